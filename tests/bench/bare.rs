//! A bare route: the same framework and the same bytes, and nothing else, at once or after a while. A process of its own, as the
//! program is.

use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::{EndpointExt as _, IntoResponse as _, Response, Route, Server, handler, web::Data};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The word by which this program is told to be one.
pub const WORD: &str = "bare";

pub struct Bare {
    pub address: String,
    child: Child,
}

impl Bare {
    pub fn start(bytes: &[u8]) -> Self {
        Self::after(bytes, 0)
    }

    /// One that answers after so many milliseconds.
    pub fn after(bytes: &[u8], wait: u64) -> Self {
        let me = std::env::current_exe().unwrap();
        let mut child = Command::new(me)
            .args([WORD, &wait.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { address: address.trim().to_owned(), child }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[handler]
async fn same(bytes: Data<&Arc<Vec<u8>>>, wait: Data<&Duration>) -> Response {
    if !wait.is_zero() {
        tokio::time::sleep(*wait.0).await;
    }
    bytes.to_vec().with_content_type("application/json; charset=utf-8").into_response()
}

/// Serves what stands on its input, on every path, after so many milliseconds.
pub async fn serve(wait: u64) {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).unwrap();
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
    println!("{address}");
    let route =
        Route::new().at("/*rest", poem::get(same).post(same)).data(Arc::new(bytes)).data(Duration::from_millis(wait));
    Server::new_with_acceptor(acceptor).run(route).await.unwrap();
}
