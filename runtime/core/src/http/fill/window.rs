//! The part of a body that is in memory.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// Number of chunks from which on those of few bytes are joined, because such a chunk takes more room than its bytes.
const MAX_CHUNKS: usize = 1_024;
/// Size of joined chunks in bytes.
const JOINED: usize = 64 << 10;

/// Error of a reader whose next byte is no longer in memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dropped;

/// Chunk of a body, with the position of its first byte.
#[derive(Debug)]
struct PlacedChunk {
    start: u64,
    bytes: Bytes,
}

impl PlacedChunk {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes.len() as u64)
    }
}

/// The part of a body that is in memory: all that came, less what was dropped from its beginning.
#[derive(Debug, Default)]
pub(super) struct BodyWindow {
    chunks: VecDeque<PlacedChunk>,
    /// Number of the last chunks that were not joined yet.
    loose: usize,
    /// Number of bytes that came.
    end: u64,
}

impl BodyWindow {
    /// Returns the number of bytes that came.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Returns the position of the first byte that is in memory.
    pub(super) fn start(&self) -> u64 {
        self.chunks.front().map_or(self.end, |first| first.start)
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        if self.loose >= MAX_CHUNKS {
            self.join_loose();
        }
        let start = self.end;
        self.end = start.saturating_add(bytes.len() as u64);
        self.chunks.push_back(PlacedChunk { start, bytes });
        self.loose += 1;
    }

    /// Joins the last chunks, each byte at most once.
    fn join_loose(&mut self) {
        let loose = self.chunks.split_off(self.chunks.len().saturating_sub(self.loose));
        self.loose = 0;
        let (mut start, mut joined) = (0, BytesMut::new());
        for chunk in loose {
            if !joined.is_empty() && joined.len() + chunk.bytes.len() > JOINED {
                self.chunks.push_back(PlacedChunk { start, bytes: joined.split().freeze() });
            }
            if joined.is_empty() {
                start = chunk.start;
            }
            if joined.is_empty() && chunk.bytes.len() >= JOINED {
                self.chunks.push_back(chunk);
            } else {
                joined.extend_from_slice(&chunk.bytes);
            }
        }
        if !joined.is_empty() {
            self.chunks.push_back(PlacedChunk { start, bytes: joined.freeze() });
        }
    }

    fn pop(&mut self) {
        self.chunks.pop_front();
        self.loose = self.loose.min(self.chunks.len());
    }

    /// Returns the bytes from a position on, as far as they are in one chunk; `None` if they have not come yet.
    pub(super) fn read(&self, position: u64) -> Result<Option<Bytes>, Dropped> {
        if position < self.start() {
            return Err(Dropped);
        }
        let index = self.chunks.partition_point(|chunk| chunk.end() <= position);
        let Some(chunk) = self.chunks.get(index) else { return Ok(None) };
        let offset = usize::try_from(position.saturating_sub(chunk.start)).unwrap_or(usize::MAX);
        Ok(Some(chunk.bytes.slice(offset.min(chunk.bytes.len())..)))
    }

    /// Drops all chunks that end at or before this position.
    pub(super) fn drop_before(&mut self, position: u64) {
        while self.chunks.front().is_some_and(|first| first.end() <= position) {
            self.pop();
        }
    }

    /// Drops the first bytes until at most `limit` are in memory, or the last chunk alone.
    pub(super) fn shrink(&mut self, limit: u64) {
        while self.chunks.len() > 1
            && let Some(first) = self.chunks.front_mut()
        {
            let excess = self.end.saturating_sub(first.start).saturating_sub(limit);
            if first.bytes.len() as u64 > excess {
                first.bytes.advance(usize::try_from(excess).unwrap_or(0));
                first.start = first.start.saturating_add(excess);
                return;
            }
            self.pop();
        }
    }

    /// Returns all bytes that are in memory.
    pub(super) fn joined(&self) -> Bytes {
        if let (Some(only), 1) = (self.chunks.front(), self.chunks.len()) {
            return only.bytes.clone();
        }
        let mut all = BytesMut::with_capacity(self.chunks.iter().map(|chunk| chunk.bytes.len()).sum());
        for chunk in &self.chunks {
            all.extend_from_slice(&chunk.bytes);
        }
        all.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(chunks: &[&'static str]) -> BodyWindow {
        let mut window = BodyWindow::default();
        for chunk in chunks {
            window.push(Bytes::from_static(chunk.as_bytes()));
        }
        window
    }

    fn read(window: &BodyWindow, position: u64) -> Result<Option<String>, Dropped> {
        window.read(position).map(|bytes| bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
    }

    #[test]
    fn bytes_are_read_from_any_position() {
        let window = window(&["abc", "", "de"]);
        for (position, text) in [(0, Some("abc")), (2, Some("c")), (3, Some("de")), (4, Some("e")), (5, None)] {
            assert_eq!(read(&window, position), Ok(text.map(str::to_owned)), "{position}");
        }
        assert_eq!((window.start(), window.end(), window.joined()), (0, 5, Bytes::from_static(b"abcde")));
    }

    #[test]
    fn a_reader_behind_the_window_learns_of_it() {
        let mut window = window(&["abc", "de", "f"]);
        window.drop_before(4);
        assert_eq!((window.start(), read(&window, 2)), (3, Err(Dropped)));
        window.shrink(0);
        assert_eq!((window.start(), read(&window, 5)), (5, Ok(Some("f".to_owned()))), "the last chunk stays");
        window.drop_before(6);
        assert_eq!((window.start(), window.end(), read(&window, 6)), (6, 6, Ok(None)));
        assert_eq!(read(&window, 5), Err(Dropped));
    }

    #[test]
    fn many_small_chunks_take_the_room_of_few() {
        let mut window = BodyWindow::default();
        for byte in 0..10_000_u32 {
            window.push(Bytes::from(vec![byte.to_le_bytes()[0]]));
            assert!(window.chunks.len() <= MAX_CHUNKS + 10);
        }
        assert_eq!((window.start(), window.end()), (0, 10_000));
        assert_eq!(window.read(9_999).unwrap().unwrap().as_ref(), [9_999_u32.to_le_bytes()[0]]);
        assert_eq!(window.joined().len(), 10_000);
    }
}
