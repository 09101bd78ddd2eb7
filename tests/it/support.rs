//! Fixtures that several features share.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The folder of real test material beside the project; `None` (and a line saying so) where it is missing.
#[allow(dead_code, reason = "used as features land")]
pub fn shared() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    if folder.join("vectors").is_dir() {
        Some(folder)
    } else {
        println!("skipped: no ../shared");
        None
    }
}

/// The real program.
pub fn vungxanh() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vungxanh"));
    command.env("VUNGXANH_LOG", "warn").env_remove("VUNGXANH_DATA");
    command
}

/// Runs the real program to its end; panics with what it said when it failed.
pub fn run(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(
        output.status.success(),
        "vungxanh {arguments:?}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the real program to its end.
pub fn output(arguments: &[&str]) -> Output {
    vungxanh().args(arguments).output().unwrap()
}

/// A real server over a folder. Dropped, it is killed as by a power cut.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Server {
    /// Starts it on a free port and waits for the line that says it is ready.
    pub fn start(data: &Path, options: &[&str]) -> Self {
        let mut child = vungxanh()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).expect("the first line says the address");
        Self {
            url: ready["listening"].as_str().unwrap().to_owned(),
            child,
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing is flushed, nothing said.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for the orderly end.
    pub fn stop(mut self) {
        let killed = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        assert!(self.child.wait().unwrap().success());
    }

    /// GET; status and body.
    pub fn get(&self, path: &str, key: &str) -> (u16, Vec<u8>) {
        let (status, _, body) = self.get_full(path, key);
        (status, body)
    }

    /// GET; status, ETag and body.
    pub fn get_full(&self, path: &str, key: &str) -> (u16, String, Vec<u8>) {
        let mut request = agent().get(format!("{}{path}", self.url));
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let mut response = request.call().unwrap();
        let etag = response
            .headers()
            .get("etag")
            .map_or("", |tag| tag.to_str().unwrap())
            .to_owned();
        let body = response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()
            .unwrap();
        (response.status().as_u16(), etag, body)
    }

    /// GET of JSON that must succeed.
    pub fn json(&self, path: &str, key: &str) -> serde_json::Value {
        let (status, body) = self.get(path, key);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// POST; `None` when the server went away before it answered.
    pub fn post(
        &self,
        path: &str,
        key: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<(u16, serde_json::Value)> {
        let sent = agent()
            .post(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", content_type)
            .send(body);
        let mut response = sent.ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        Some((response.status().as_u16(), serde_json::from_str(&text).ok()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build())
}

/// A key of a role, made beside a server that may be running.
pub fn key(data: &Path, role: &str) -> String {
    run(&["key", "create", "--data", data.to_str().unwrap(), "--role", role])
        .trim()
        .to_owned()
}
