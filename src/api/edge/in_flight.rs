use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::edge::ApiError;

/// What all event batches together may hold in memory: one half for what each needs to come in, the other for events
/// that are decoded and not on the disk yet. When producers are faster than the disk, batches under way wait, and so
/// do not read their sockets; a new one is refused with 429 before its body is read.
#[derive(Debug)]
pub struct InFlight {
    entries: Arc<Semaphore>,
    events: Arc<Semaphore>,
    half: u32,
}

/// Bytes held until they are given back by dropping it.
pub type Held = OwnedSemaphorePermit;

/// What a batch holds before it has decoded anything: the parts ahead of its reader and its buffers.
const ENTRY_BYTES: u32 = 1 << 20;

/// Seconds a refused producer should wait: several commits.
const RETRY_AFTER_S: u32 = 1;

impl InFlight {
    /// That many bytes at once, at least what one batch needs.
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        let half = (bytes / 2).max(ENTRY_BYTES);
        let semaphore = || Arc::new(Semaphore::new(half as usize));
        Self {
            entries: semaphore(),
            events: semaphore(),
            half,
        }
    }

    /// Lets a batch in.
    ///
    /// # Errors
    /// 429 with `Retry-After` when others hold what there is, or wait for it.
    pub fn enter(&self) -> Result<Held, ApiError> {
        // Whoever waits has taken all that is free.
        let is_full = self.events.available_permits() == 0;
        let entry = Arc::clone(&self.entries).try_acquire_many_owned(ENTRY_BYTES);
        entry.ok().filter(|_| !is_full).ok_or_else(|| {
            metrics::counter!("vungxanh_shed_total", "class" => "ingest").increment(1);
            ApiError::TooMany {
                retry_after_s: RETRY_AFTER_S,
                reason: "events come in faster than they can be stored; send this batch again".to_owned(),
            }
        })
    }

    /// Waits for room for a chunk of events; one that is larger than everything waits to be alone.
    pub async fn hold(&self, bytes: usize) -> Option<Held> {
        let bytes = u32::try_from(bytes).map_or(self.half, |bytes| bytes.min(self.half));
        Arc::clone(&self.events).acquire_many_owned(bytes).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_batch_is_let_in_when_another_gave_back_what_it_held() {
        let in_flight = InFlight::new(4 * ENTRY_BYTES);
        let entries = [in_flight.enter().unwrap(), in_flight.enter().unwrap()];
        assert!(matches!(in_flight.enter(), Err(ApiError::TooMany { .. })));
        drop(entries);
        let chunk = in_flight.hold(usize::MAX).await.unwrap();
        assert!(matches!(in_flight.enter(), Err(ApiError::TooMany { .. })));
        drop(chunk);
        assert!(in_flight.enter().is_ok());
    }
}
