/// The styles served at `/styles/{name}.json`.
pub const STYLE_NAMES: [&str; 2] = ["light", "dark"];

/// Stands in the files for the public address of this server (no slash at its end).
const BASE: &str = "{base}";

/// A `MapLibre` style (version 8) whose source is this server's tiles; `base` is the public
/// address without a slash at its end. `None` for a name we do not have.
#[must_use]
pub fn style(name: &str, base: &str) -> Option<String> {
    let text = match name {
        "light" => include_str!("../../styles/light.json"),
        "dark" => include_str!("../../styles/dark.json"),
        _ => return None,
    };
    // The address goes into JSON strings: escape what would end one.
    let base = base
        .trim_end_matches('/')
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    Some(text.replace(BASE, &base))
}
