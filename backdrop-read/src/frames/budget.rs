//! How much memory frames may take, and which of them go when it is not enough.

use super::Shared;
use super::slot::Slot;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tracing::debug;

/// Frames may take this share of the memory of the machine, if the service is not told otherwise.
const SHARE_OF_MACHINE: usize = 4;
/// Where the kernel tells limits of memory: of the machine, and of a container (version 2 and 1).
const MEMORY: &str = "/proc/meminfo";
const LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// The memory that frames may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget(usize);

impl Budget {
    /// So many bytes; 0: no frames.
    pub const fn of_bytes(bytes: usize) -> Self {
        Self(bytes)
    }

    /// A quarter of what the machine, or the container, has; nothing if that is not told.
    pub fn of_machine() -> Self {
        let read = |path: &str| fs::read_to_string(Path::new(path)).ok();
        let limits = LIMITS.into_iter().filter_map(|path| read(path)?.trim().parse().ok());
        let least = read(MEMORY).and_then(|text| total(&text)).into_iter().chain(limits).min();
        Self(least.unwrap_or(0) / SHARE_OF_MACHINE)
    }

    /// Whether there are to be no frames.
    pub(super) const fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// What one frame may take: it must be there twice while it is merged.
    pub(super) const fn frame_bytes_max(self) -> usize {
        self.0 / 2
    }
}

/// `MemTotal` in bytes.
fn total(text: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

impl Shared {
    /// Takes away the frames that were asked for longest ago until the others fit the budget. The given one stays.
    pub(super) async fn keep_budget(&self, kept: &Slot) {
        while let Some(slot) = self.surplus(kept) {
            let turn = slot.turn().await;
            debug!(data_set = slot.data_set.0, "a frame makes room");
            self.figures.evicted();
            slot.swap(&turn, None).await;
        }
    }

    /// The frame that is to go next.
    fn surplus(&self, kept: &Slot) -> Option<Arc<Slot>> {
        let slots = self.slots();
        let sized = slots.values().filter_map(|slot| Some((slot, slot.size()?.1)));
        if sized.clone().map(|(_, bytes)| bytes).sum::<usize>() <= self.budget.0 {
            return None;
        }
        let others = sized.map(|(slot, _)| slot).filter(|slot| slot.data_set != kept.data_set);
        others.min_by_key(|slot| slot.wishes().last_asked()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_read() {
        assert_eq!(total("MemTotal:       16 kB\nMemFree: 1 kB\n"), Some(16_384));
        assert_eq!(total("MemFree: 1 kB\n"), None);
        assert_ne!(Budget::of_machine(), Budget::of_bytes(0));
    }
}
