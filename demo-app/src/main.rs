//! The program: see [`demo_app::cli`].

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    demo_app::cli::main().await
}
