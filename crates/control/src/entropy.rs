//! Where ids and secrets come from: the system's random numbers, fetched in blocks.

use model::context::Entropy;

/// Enough for 256 numbers, so that a command costs a system call only now and then.
const BLOCK_BYTES: usize = 4096;
const NUMBER_BYTES: usize = 16;

/// Random numbers of the system. Planning cannot report that there are none: it goes on with zeros, and whoever
/// asked must look at [`SystemEntropy::failed`] before anything is done with the plan.
pub(crate) struct SystemEntropy {
    block: [u8; BLOCK_BYTES],
    used: usize,
    failed: bool,
}

impl SystemEntropy {
    pub(crate) fn new() -> Self {
        Self { block: [0; BLOCK_BYTES], used: BLOCK_BYTES, failed: false }
    }

    /// Whether the system had no random numbers since the last time this was asked.
    pub(crate) fn failed(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }
}

impl Entropy for SystemEntropy {
    fn next(&mut self) -> u128 {
        if self.used == BLOCK_BYTES {
            if let Err(error) = getrandom::fill(&mut self.block) {
                tracing::error!(%error, "the system gives no random numbers");
                self.failed = true;
                return 0;
            }
            self.used = 0;
        }
        let Some(bytes) = self.block.get_mut(self.used..self.used + NUMBER_BYTES) else { return 0 };
        let mut number = [0; NUMBER_BYTES];
        number.copy_from_slice(bytes);
        // A number is given out once and not kept.
        bytes.fill(0);
        self.used += NUMBER_BYTES;
        u128::from_be_bytes(number)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_do_not_repeat_over_blocks() {
        let mut entropy = SystemEntropy::new();
        let numbers: HashSet<u128> = (0..1000).map(|_| entropy.next()).collect();
        assert_eq!(numbers.len(), 1000);
        assert!(!entropy.failed());
    }
}
