//! Load over HTTP: as many requests as a few connections can carry. Written to the socket by hand, for on the machine that
//! serves, what asks must cost next to nothing; a client of a library would take as much as the server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Load {
    /// Answers by status.
    pub answers: BTreeMap<u16, u64>,
    /// How long it ran.
    pub took: Duration,
    /// Times of answers in microseconds, sorted.
    micros: Vec<u32>,
    /// Body of the last answer that was not well.
    pub odd: String,
}

impl Load {
    /// Answers of a status in a second.
    pub fn rate(&self, status: u16) -> f64 {
        self.answers.get(&status).copied().unwrap_or(0) as f64 / self.took.as_secs_f64()
    }

    /// The time within which so many of a hundred were answered, in milliseconds.
    pub fn within(&self, percent: usize) -> f64 {
        let place = (self.micros.len() * percent / 100).min(self.micros.len().saturating_sub(1));
        self.micros.get(place).map_or(0.0, |us| f64::from(*us) / 1000.0)
    }
}

/// A request as it goes over the line.
pub fn request(method: &str, path: &str, token: Option<&str>, more: &str, body: &str) -> Vec<u8> {
    let token = token.map(|t| format!("authorization: Bearer {t}\r\n")).unwrap_or_default();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{token}{more}\r\n{body}"
    )
    .into_bytes()
}

/// Asks over so many connections until the time is over, or until there is nothing more to ask.
pub async fn run(
    address: &str,
    connections: usize,
    time: Duration,
    ask: impl Fn(u64) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Load {
    let (ask, next, began) = (Arc::new(ask), Arc::new(AtomicU64::new(0)), Instant::now());
    let mut lines = Vec::new();
    for _ in 0..connections {
        let (ask, next, address) = (Arc::clone(&ask), Arc::clone(&next), address.to_owned());
        lines.push(tokio::spawn(async move {
            let mut line = Line::to(&address).await;
            let mut load = Load::default();
            while began.elapsed() < time {
                let Some(request) = ask(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let sent = Instant::now();
                let (status, body) = line.ask(&request).await;
                load.micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap());
                *load.answers.entry(status).or_default() += 1;
                if !(200..300).contains(&status) {
                    load.odd = String::from_utf8_lossy(body).into_owned();
                }
            }
            load
        }));
    }
    let mut all = Load::default();
    for line in lines {
        let load = line.await.unwrap();
        for (status, n) in load.answers {
            *all.answers.entry(status).or_default() += n;
        }
        all.micros.extend(load.micros);
        if !load.odd.is_empty() {
            all.odd = load.odd;
        }
    }
    all.took = began.elapsed();
    all.micros.sort_unstable();
    all
}

/// One connection that is kept.
pub struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    pub async fn to(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(64 * 1024) }
    }

    /// Sends a request and reads its answer: status and body.
    pub async fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the server closed the line");
            let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end]).unwrap();
            let status = head[9..12].parse().unwrap();
            let length = head.lines().find_map(|l| {
                let (name, value) = l.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            let whole = end + 4 + length.unwrap_or(0);
            while self.buffer.len() < whole {
                assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the server closed the line");
            }
            return (status, &self.buffer[end + 4..whole]);
        }
    }
}
