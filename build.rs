//! Build script: fetches the pages' third-party modules by `web/package-lock.json` (npm, no install
//! scripts) and lays out everything the pages load in `OUT_DIR/assets`, which `rust-embed` embeds.
//!
//! Where npm is missing or the registry cannot be reached, the build says so and goes on: the pages
//! then keep their server-drawn picture and tables (`VUNGXANH_LIVE_MAP=0`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// What is taken from the packages: (package, file in it, name under `assets/vendor`).
const VENDOR: &[(&str, &str, &str)] = &[
    (
        "maplibre-gl",
        "dist/maplibre-gl.mjs",
        "maplibre-gl/maplibre-gl.mjs",
    ),
    // The main module finds its worker beside itself, by this name.
    (
        "maplibre-gl",
        "dist/maplibre-gl-worker.mjs",
        "maplibre-gl/maplibre-gl-worker.mjs",
    ),
    (
        "maplibre-gl",
        "dist/maplibre-gl-shared.mjs",
        "maplibre-gl/maplibre-gl-shared.mjs",
    ),
    (
        "maplibre-gl",
        "dist/maplibre-gl.css",
        "maplibre-gl/maplibre-gl.css",
    ),
    ("maplibre-gl", "LICENSE.txt", "maplibre-gl/LICENSE.txt"),
    // What turns compact cells into vector tiles, in a worker of its own.
    ("h3-js", "dist/browser/h3-js.es.js", "h3-js/h3-js.mjs"),
    ("h3-js", "LICENSE", "h3-js/LICENSE.txt"),
    ("h3-js", "NOTICE", "h3-js/NOTICE.txt"),
    ("pbf", "index.js", "pbf/pbf.mjs"),
    ("pbf", "LICENSE", "pbf/LICENSE.txt"),
    (
        "@fontsource/be-vietnam-pro",
        "LICENSE",
        "be-vietnam-pro/LICENSE.txt",
    ),
];
const FONT_SUBSETS: [&str; 3] = ["vietnamese", "latin-ext", "latin"];
const FONT_WEIGHTS: [&str; 2] = ["400", "600"];

/// Compresses every text file under the folder it is given, beside the file (`.br`, `.gz`).
const COMPRESS: &str = "const fs=require('fs'),p=require('path'),z=require('zlib');\
(function walk(d){for(const e of fs.readdirSync(d,{withFileTypes:true})){const f=p.join(d,e.name);\
if(e.isDirectory()){walk(f);continue}\
if(!/\\.(m?js|css|json|svg)$/.test(e.name))continue;\
const b=fs.readFileSync(f);if(b.length<512)continue;\
fs.writeFileSync(f+'.br',z.brotliCompressSync(b,{params:{[z.constants.BROTLI_PARAM_QUALITY]:10}}));\
fs.writeFileSync(f+'.gz',z.gzipSync(b,{level:9}))}})(process.argv[1])";

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let web = root.join("web");
    for watched in [
        "build.rs",
        "web/package-lock.json",
        "web/app",
        "web/css",
        "web/i18n",
    ] {
        println!("cargo:rerun-if-changed={watched}");
    }

    let vendor = out.join("vendor");
    let live = match fetch_vendor(&web, &out, &vendor) {
        Ok(()) => true,
        Err(error) => {
            println!(
                "cargo:warning=the live map is left out: {error}. The pages keep their picture and tables; \
                 install Node.js with npm and build again to get it."
            );
            // A file that never exists: cargo runs this script again at the next build.
            println!("cargo:rerun-if-changed={}", out.join("no-npm").display());
            false
        }
    };

    let assets = out.join("assets");
    if assets.exists() {
        fs::remove_dir_all(&assets)?;
    }
    for folder in ["app", "css", "i18n"] {
        copy_folder(&web.join(folder), &assets.join(folder))?;
    }
    if live {
        // Compressed here, before the vendor files (their own are made once, when fetched) join.
        let _compression_is_optional = compress(&assets);
        copy_folder(&vendor, &assets.join("vendor"))?;
    }
    println!("cargo:rustc-env=VUNGXANH_LIVE_MAP={}", u8::from(live));
    println!(
        "cargo:rustc-env=VUNGXANH_ASSETS_HASH={:016x}",
        hash_folder(&assets)?
    );
    Ok(())
}

/// Installs the locked packages and keeps only the files the pages need, once per lock file.
fn fetch_vendor(web: &Path, out: &Path, vendor: &Path) -> io::Result<()> {
    let lock = fs::read(web.join("package-lock.json"))?;
    let wanted = format!(
        "{:016x} {:016x}",
        fnv(FNV_START, &lock),
        fnv(FNV_START, COMPRESS.as_bytes())
    );
    let stamp = vendor.join(".lock");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    let npm = out.join("npm");
    fs::create_dir_all(&npm)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(web.join(name), npm.join(name))?;
    }
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let done = Command::new(program)
        .args([
            "ci",
            "--ignore-scripts",
            "--omit=dev",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .current_dir(&npm)
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("npm could not be started ({error})")))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let last = said
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("no reason given");
        return Err(io::Error::other(format!("npm ci failed: {last}")));
    }
    if vendor.exists() {
        fs::remove_dir_all(vendor)?;
    }
    let modules = npm.join("node_modules");
    for (package, from, to) in VENDOR {
        copy_file(&modules.join(package).join(from), &vendor.join(to))?;
    }
    for subset in FONT_SUBSETS {
        for weight in FONT_WEIGHTS {
            let file = format!("be-vietnam-pro-{subset}-{weight}-normal.woff2");
            let from = modules.join("@fontsource/be-vietnam-pro/files").join(&file);
            copy_file(&from, &vendor.join("be-vietnam-pro").join(&file))?;
        }
    }
    compress(vendor)?;
    fs::remove_dir_all(&npm)?;
    fs::write(stamp, wanted)
}

fn compress(folder: &Path) -> io::Result<()> {
    let status = Command::new("node")
        .arg("-e")
        .arg(COMPRESS)
        .arg(folder)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("node could not compress the assets"))
    }
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to)
        .map(|_bytes| ())
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", from.display())))
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in sorted(from)? {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            copy_file(&source, &target)?;
        }
    }
    Ok(())
}

/// One hash over names and contents: it stands in every asset's URL, which may then be cached for ever.
fn hash_folder(folder: &Path) -> io::Result<u64> {
    let mut hash = FNV_START;
    for entry in sorted(folder)? {
        hash = fnv(hash, entry.file_name().as_encoded_bytes());
        hash = if entry.file_type()?.is_dir() {
            fnv(hash, &hash_folder(&entry.path())?.to_le_bytes())
        } else {
            fnv(hash, &fs::read(entry.path())?)
        };
    }
    Ok(hash)
}

fn sorted(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: enough to tell two builds apart, without a build dependency.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
