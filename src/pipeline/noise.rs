use std::fs;
use std::io;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use sha2::Sha256;

use crate::geo::Cell;
use crate::model::Day;
use crate::pipeline::PipelineError;
use crate::pipeline::files::{Content, replace_blocking};
use crate::risk::{NoiseRules, NoisyMeasure};

const NAME: &str = "noise.key";

/// What all noise of an installation comes from. Whoever holds it can take the noise away again; without it, or with
/// another one, a day that has not been released yet is drawn anew.
#[derive(Clone)]
pub(super) struct NoiseKey([u8; 32]);

impl NoiseKey {
    /// The folder's key, made on first use.
    pub(super) async fn load_or_make(folder: &Path) -> Result<Self, PipelineError> {
        let folder = folder.to_owned();
        let task = tokio::task::spawn_blocking(move || Self::load_or_make_blocking(&folder));
        task.await.map_err(|_panicked| PipelineError::Task)?
    }

    fn load_or_make_blocking(folder: &Path) -> Result<Self, PipelineError> {
        let path = folder.join(NAME);
        match fs::read(&path) {
            Ok(bytes) => <[u8; 32]>::try_from(bytes.as_slice())
                .map(Self)
                .map_err(|_other_length| PipelineError::MasterKey {
                    path,
                    reason: "holds no 32 bytes: it was changed or cut short",
                }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = [0; 32];
                getrandom::fill(&mut key).map_err(|error| PipelineError::Randomness(error.to_string()))?;
                replace_blocking(&path, &key, Content::Secret)?;
                Ok(Self(key))
            }
            Err(source) => Err(PipelineError::Io { path, source }),
        }
    }

    /// The noise of a measure in a cell on a day: always the same, so that nobody gets a second draw to average with.
    pub(super) fn draw(&self, rules: &NoiseRules, measure: NoisyMeasure, cell: Cell, day: Day) -> i64 {
        let label: &[u8] = match measure {
            NoisyMeasure::Visits => b"visits",
            NoisyMeasure::People => b"people",
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(b"vungxanh/noise/1/");
        mac.update(&cell.to_u64().to_be_bytes());
        mac.update(&day.0.to_be_bytes());
        mac.update(label);
        let mut random = ChaCha20Rng::from_seed(mac.finalize().into_bytes().into());
        rules.distribution(measure).draw(&mut || random.next_u64())
    }
}
