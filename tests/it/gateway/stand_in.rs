//! A stand-in for what lies outside: it keeps what it was asked, answers as it was told, and misbehaves as it was told.

use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Path and query, as they stood in the request.
    pub place: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// How it behaves once.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers with a status, headers of its own and a body.
    Answer(u16, &'static str, String),
    /// Does so after this.
    Slow(Duration, Box<Self>),
    /// Takes the question and says nothing for so long.
    Hang(Duration),
    /// Takes the question and breaks the connection off.
    Reset,
    /// Answers half of what it announced.
    CutOff,
}

impl Behaviour {
    pub fn ok(body: impl ToString) -> Self {
        Self::Answer(200, "", body.to_string())
    }
}

type Questions = Arc<Mutex<Vec<Asked>>>;
type Told = Arc<Mutex<VecDeque<Behaviour>>>;
type Usual = Arc<dyn Fn(&Asked) -> Behaviour + Send + Sync>;

/// The stand-in, for as long as it is kept.
pub struct StandIn {
    pub address: SocketAddr,
    asked: Questions,
    next: Told,
    serving: tokio::task::JoinHandle<()>,
}

impl StandIn {
    /// Answers each question so, where nothing else is told.
    pub async fn open(usual: impl Fn(&Asked) -> Behaviour + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, next, usual): (Questions, Told, Usual) = (Arc::default(), Arc::default(), Arc::new(usual));
        let (all, told) = (Arc::clone(&asked), Arc::clone(&next));
        let serving = tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(serve(line, Arc::clone(&all), Arc::clone(&told), Arc::clone(&usual)));
            }
        });
        Self { address, asked, next, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Behaves so next, first told first done.
    pub fn next(&self, behaviour: Behaviour) {
        self.next.lock().unwrap().push_back(behaviour);
    }

    /// Everything it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What it was asked last.
    pub fn last(&self) -> Asked {
        self.asked().pop().expect("it was asked")
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut line: TcpStream, all: Questions, told: Told, usual: Usual) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let asked = question(&mut line, &mut read).await?;
        all.lock().unwrap().push(asked.clone());
        let set = told.lock().unwrap().pop_front();
        let mut behaviour = set.unwrap_or_else(|| usual(&asked));
        while let Behaviour::Slow(time, then) = behaviour {
            tokio::time::sleep(time).await;
            behaviour = *then;
        }
        match behaviour {
            Behaviour::Slow(..) => unreachable!("it was waited for"),
            Behaviour::Answer(status, headers, body) => {
                let length = body.len();
                let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n{headers}\r\n");
                line.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
            }
            Behaviour::Hang(time) => {
                tokio::time::sleep(time).await;
                return None;
            }
            Behaviour::Reset => return None,
            Behaviour::CutOff => {
                line.write_all(b"HTTP/1.1 200 -\r\ncontent-length: 100\r\n\r\n{\"half\":").await.ok()?;
                return None;
            }
        }
    }
}

async fn question(line: &mut TcpStream, read: &mut Vec<u8>) -> Option<Asked> {
    let end = loop {
        if let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        more(line, read).await?;
    };
    let head = String::from_utf8(read.drain(..end).collect()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, place) = (first.next()?.to_owned(), first.next()?.to_owned());
    let pairs = lines.filter_map(|l| l.split_once(": "));
    let headers: BTreeMap<String, String> = pairs.map(|(k, v)| (k.to_lowercase(), v.to_owned())).collect();
    let length: usize = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    while read.len() < length {
        more(line, read).await?;
    }
    Some(Asked { method, place, headers, body: read.drain(..length).collect() })
}

async fn more(line: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    let mut part = [0; 4096];
    let n = line.read(&mut part).await.ok().filter(|n| *n > 0)?;
    read.extend_from_slice(&part[..n]);
    Some(())
}
