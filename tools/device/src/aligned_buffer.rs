//! Memory that a disk controller can fill directly.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Every buffer starts on such a border: the page size of x86-64, and at least the DMA alignment of every controller.
const ALIGNMENT: usize = 4096;

/// A page-aligned buffer of fixed size, zeroed when made. Use it again instead of making a new one: fresh pages cost.
pub struct AlignedBuffer {
    start: NonNull<u8>,
    layout: Layout,
}

/// A buffer that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BufferError {
    /// Zero bytes, or more than the address space holds.
    #[error(
        "a read buffer of {0} bytes is not possible: ask for 1 byte or more, and less than half the address space"
    )]
    Size(usize),
    /// The machine has too little memory left.
    #[error("no memory for a read buffer of {0} bytes: use fewer or smaller buffers")]
    Memory(usize),
}

impl AlignedBuffer {
    /// Makes a buffer of `size` bytes, all zero.
    ///
    /// # Errors
    /// [`BufferError`] when `size` is zero or too large, or when memory is exhausted.
    pub fn new(size: usize) -> Result<Self, BufferError> {
        let layout = match Layout::from_size_align(size, ALIGNMENT) {
            Ok(layout) if size > 0 => layout,
            _ => return Err(BufferError::Size(size)),
        };
        // SAFETY: the layout's size is not zero, checked above.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).ok_or(BufferError::Memory(size))?;
        Ok(Self { start, layout })
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` points to `layout.size()` initialised bytes (zeroed at birth) that this value alone owns; the
        // borrow of `self` keeps them alive and unchanged for the slice's life.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; the exclusive borrow of `self` makes this the only slice.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for AlignedBuffer {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc_zeroed` with this very layout and is freed only here.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

// SAFETY: the buffer owns its memory exclusively and has no tie to the thread that made it.
unsafe impl Send for AlignedBuffer {}
// SAFETY: a shared reference gives only shared slices; nothing inside changes through it.
unsafe impl Sync for AlignedBuffer {}

impl std::fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AlignedBuffer({} bytes)", self.layout.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_starts_on_a_page_and_keeps_what_is_put_in() {
        for size in [1, 512, 4096, 1 << 20, (1 << 20) + 7] {
            let mut buffer = AlignedBuffer::new(size).unwrap();
            assert_eq!(buffer.len(), size);
            assert_eq!(buffer.as_ptr().addr() % 4096, 0);
            assert!(buffer.iter().all(|&b| b == 0));
            buffer.fill(0xA5);
            assert!(buffer.iter().all(|&b| b == 0xA5));
        }
    }

    #[test]
    fn an_impossible_size_is_refused() {
        assert_eq!(AlignedBuffer::new(0).unwrap_err(), BufferError::Size(0));
        assert_eq!(AlignedBuffer::new(usize::MAX).unwrap_err(), BufferError::Size(usize::MAX));
    }
}
