//! A handler that answers as many bytes as a balance has, and does nothing else.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;

const ANSWER: &str = r#"{"userId":"user-1000","balance":"-520.555922"}"#;

pub fn serve() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let answer = || async { ([(CONTENT_TYPE, "application/json")], ANSWER) };
        let router = Router::new().route("/user/{id}/balance", get(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        // As the daemon has it: an answer does not wait for the next one.
        let no_delay = |stream: &mut TcpStream| drop(stream.set_nodelay(true));
        let address = listener.local_addr()?;
        println!("{address}");
        axum::serve(listener.tap_io(no_delay), router).await?;
        Ok(())
    })
}
