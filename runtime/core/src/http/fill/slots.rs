//! The readers of a body: how far each has read, and the wakers of those that wait.

use std::task::Waker;

/// Reader of a body.
#[derive(Debug, Default)]
struct ReaderSlot {
    /// Number of bytes that it has read.
    position: u64,
    waker: Option<Waker>,
}

/// The readers of a body.
#[derive(Debug, Default)]
pub(super) struct ReaderSlots {
    /// `None` where a reader has left.
    slots: Vec<Option<ReaderSlot>>,
    free: Vec<usize>,
    /// Number of readers that ever came.
    added: u64,
}

impl ReaderSlots {
    /// Adds a reader and returns its number.
    pub(super) fn add(&mut self) -> usize {
        self.added = self.added.saturating_add(1);
        let slot = Some(ReaderSlot::default());
        match self.free.pop() {
            Some(index) => {
                self.slots[index] = slot;
                index
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        }
    }

    pub(super) fn remove(&mut self, index: usize) {
        if self.slots[index].take().is_some() {
            self.free.push(index);
        }
    }

    pub(super) fn added(&self) -> u64 {
        self.added
    }

    pub(super) fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len()
    }

    pub(super) fn position(&self, index: usize) -> u64 {
        self.slots[index].as_ref().map_or(0, |slot| slot.position)
    }

    pub(super) fn advance(&mut self, index: usize, bytes: usize) {
        if let Some(slot) = &mut self.slots[index] {
            slot.position = slot.position.saturating_add(bytes as u64);
        }
    }

    pub(super) fn wait(&mut self, index: usize, waker: &Waker) {
        if let Some(slot) = &mut self.slots[index] {
            match &mut slot.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
    }

    /// Returns the smallest position, if there are readers.
    pub(super) fn slowest(&self) -> Option<u64> {
        self.slots.iter().flatten().map(|slot| slot.position).min()
    }

    /// Takes the wakers of all readers that wait, except that of one.
    pub(super) fn take_wakers(&mut self, except: Option<usize>) -> Vec<Waker> {
        let slots = self.slots.iter_mut().enumerate().filter(|(index, _)| Some(*index) != except);
        slots.filter_map(|(_, slot)| slot.as_mut()?.waker.take()).collect()
    }
}
