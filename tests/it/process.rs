//! The program itself, as an operator starts it.

use crate::person::Answer;
use reqwest::Method;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

/// The program in a directory of its own, with nothing of this environment.
pub fn command(directory: &Path, words: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shuitian"));
    command.current_dir(directory).args(words).env_clear().envs(variables.iter().copied());
    command
}

/// Runs one command line to its end.
pub fn run(directory: &Path, words: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(directory, words, variables).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A server that runs.
pub struct Server {
    child: Child,
    pub url: String,
    pub web: reqwest::Client,
    out: Arc<Mutex<String>>,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Server {
    /// Starts it on a free port and waits until it listens.
    pub fn start(directory: &Path, variables: &[(&str, &str)]) -> Self {
        Self::begin(directory, &["serve", "--listen", "127.0.0.1:0"], variables, "listening on ")
    }

    /// Starts a command that does not end, and waits until it says that it is there, and where.
    pub fn begin(directory: &Path, words: &[&str], variables: &[(&str, &str)], sign: &str) -> Self {
        let mut child =
            command(directory, words, variables).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            errors.read_to_string(&mut log).unwrap();
            log
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let out = Arc::new(Mutex::new(String::new()));
        let url = loop {
            let Some(Ok(line)) = lines.next() else { panic!("it ended before it listened: {}", log.join().unwrap()) };
            if let Some(address) = line.strip_prefix(sign) {
                break format!("http://{address}");
            }
        };
        let sink = Arc::clone(&out);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut out = sink.lock().unwrap();
                out.push_str(&line);
                out.push('\n');
            }
        });
        let web = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { child, url, web, out, log: Some(log) }
    }

    /// What it printed so far, once it holds `word`.
    pub async fn printed(&self, word: &str) -> String {
        for _ in 0..100 {
            let out = self.out.lock().unwrap().clone();
            if out.contains(word) {
                return out;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{word} was not printed: {}", self.out.lock().unwrap());
    }

    pub async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = self.web.request(method, format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.send(Method::POST, &format!("/api/v1{path}"), token, Some(body)).await
    }

    /// Which process it is.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Pulls the plug.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and gives its log.
    pub fn stop(mut self) -> String {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(self.child.wait().unwrap().success(), "it ends cleanly when asked");
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A story that failed leaves no server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
