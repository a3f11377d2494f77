//! A body that a test sends, frame by frame.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use http_body::Frame;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Frame of a [`SentBody`], or the error in which it ends.
pub type Sent = Result<Frame<Bytes>, std::io::Error>;

/// Body whose frames come through a channel. It ends when all senders are gone.
#[derive(Debug)]
pub struct SentBody(UnboundedReceiver<Sent>);

impl SentBody {
    /// Creates a body, and its other end.
    pub fn new() -> (UnboundedSender<Sent>, Self) {
        let (frames, receiver) = unbounded_channel();
        (frames, Self(receiver))
    }
}

impl http_body::Body for SentBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Sent>> {
        self.0.poll_recv(cx)
    }
}

/// Sends bytes, unless the body was dropped. Returns whether it was not.
pub fn send(frames: &UnboundedSender<Sent>, bytes: impl Into<Bytes>) -> bool {
    frames.send(Ok(Frame::data(bytes.into()))).is_ok()
}
