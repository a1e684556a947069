//! The command line: `shuitian`, which serves, works, imports and looks after itself.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    shuitian::command::run(std::env::args_os(), std::env::vars()).await
}
