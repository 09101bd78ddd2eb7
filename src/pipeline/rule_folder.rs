use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::Timestamp;
use crate::pipeline::{Pipeline, PipelineError};
use crate::risk::{InvalidRules, Rules};
use crate::store::AuditEntry;

/// Where rules come from: those that come with the program, with an operator's folder laid over them.
#[derive(Clone, Debug, Default)]
pub struct RuleFolder {
    /// The folder; every `.toml` in it is a rule.
    pub folder: Option<PathBuf>,
    /// Ids of the rules for areas that hold, where the operator chose.
    pub area_rules: Option<Vec<String>>,
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The folder or a file in it cannot be read.
    #[error("rules {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file says what cannot be.
    #[error(transparent)]
    Invalid(#[from] InvalidRules),
    /// A rule for areas was chosen that is not there.
    #[error("area_rules `{asked}`: is no rule for areas; expected ids of {}", known.join(", "))]
    UnknownArea {
        /// Which.
        asked: String,
        /// What is known: `id@version`.
        known: Vec<String>,
    },
    /// The rules are good, and could not be put in force.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

/// Since when the rules hold that do, and how the last attempt went to put others in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesStatus {
    /// Since when.
    pub since: Timestamp,
    /// When the last attempt failed, if it did, and why, with no path of this machine. Then the rules from before stay in
    /// force.
    pub failed: Option<(Timestamp, String)>,
}

impl RulesError {
    /// What is wrong, for whoever asks over the network: a file by its name alone, since where a server keeps its files is
    /// nobody's business.
    fn for_readers(&self) -> String {
        match self {
            Self::Io { path, source } => format!("{}: {source}", file_name(path)),
            Self::Invalid(invalid) => InvalidRules {
                file: file_name(Path::new(&invalid.file)),
                ..invalid.clone()
            }
            .to_string(),
            Self::UnknownArea { .. } => self.to_string(),
            Self::Pipeline(_) => "good rules could not be put in force; the server's log says why".to_owned(),
        }
    }
}

/// A file's name, without the folders that hold it.
#[must_use]
pub fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| "rules".to_owned(), |name| name.to_string_lossy().into_owned())
}

impl RuleFolder {
    /// Reads and checks all rules.
    ///
    /// # Errors
    /// [`RulesError`] names the file, and of one that says what cannot be the line, the field, its value and what was
    /// expected.
    pub fn read_blocking(&self) -> Result<Rules, RulesError> {
        let files = self
            .folder
            .as_deref()
            .map_or_else(|| Ok(Vec::new()), rule_files)?;
        let mut rules = Rules::with_files(&files)?;
        if let Some(ids) = &self.area_rules {
            rules.areas = rules
                .areas
                .choosing(ids)
                .map_err(|error| RulesError::UnknownArea {
                    asked: error.asked,
                    known: error.known,
                })?;
        }
        Ok(rules)
    }
}

/// Name and text of every `.toml` in a folder, by name.
fn rule_files(folder: &Path) -> Result<Vec<(String, String)>, RulesError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RulesError::Io { path, source }
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
        Ok((path.display().to_string(), text))
    };
    paths.into_iter().map(read).collect()
}

impl Pipeline {
    /// Since when the rules hold that do, and how the last attempt went to put others in force.
    #[must_use]
    pub fn rules_status(&self) -> Arc<RulesStatus> {
        self.inner.rules_status.load_full()
    }

    /// Reads all rules again and puts them in force: what rests on them is computed anew and published when this returns,
    /// as after a restart. With one file that is wrong nothing changes. `actor` stands in the audit log. Gives which rules
    /// came (`+`), went (`-`) or say something else (`~`).
    ///
    /// # Errors
    /// [`RulesError`]; then the rules from before stay in force, and [`Pipeline::rules_status`] says so.
    pub async fn reload_rules(&self, from: &RuleFolder, actor: &str) -> Result<String, RulesError> {
        // One after the other: whoever read last is in force last.
        let _turn = self.inner.reloading.lock().await;
        let now = self.inner.clock.now();
        let result = self.try_reload(from, actor, now).await;
        let status = match &result {
            Ok(_) => RulesStatus {
                since: now,
                failed: None,
            },
            Err(error) => {
                tracing::error!(%error, "the rules were not reloaded; those from before stay in force");
                RulesStatus {
                    since: self.rules_status().since,
                    failed: Some((now, error.for_readers())),
                }
            }
        };
        let outcome = if result.is_ok() { "ok" } else { "failed" };
        metrics::counter!("vungxanh_rules_reloads_total", "outcome" => outcome).increment(1);
        metrics::gauge!("vungxanh_rules_reload_failed").set(f64::from(u8::from(result.is_err())));
        self.inner.rules_status.store(Arc::new(status));
        result
    }

    async fn try_reload(&self, from: &RuleFolder, actor: &str, now: Timestamp) -> Result<String, RulesError> {
        let from = from.clone();
        let reading = tokio::task::spawn_blocking(move || from.read_blocking());
        let rules = Arc::new(reading.await.map_err(|_panicked| PipelineError::Task)??);
        let changed = changed(&self.rules(), &rules);
        let entry = AuditEntry {
            at: now,
            actor: actor.to_owned(),
            action: "rules.reload".to_owned(),
            subject: "rules".to_owned(),
            reason: Some(changed.clone()),
        };
        // First, like every act: what cannot be written down is not done.
        self.inner
            .store
            .append_audit(&entry)
            .await
            .map_err(PipelineError::from)?;
        self.put_rules(rules).await?;
        tracing::info!(%changed, "the rules were reloaded");
        Ok(changed)
    }

    /// Puts rules in force and publishes what follows from them, in a task of its own: a caller that goes away cannot part
    /// the one from the other.
    async fn put_rules(&self, rules: Arc<Rules>) -> Result<(), PipelineError> {
        let this = self.clone();
        let task = tokio::spawn(async move {
            let mut state = Arc::clone(&this.inner.state).lock_owned().await;
            // Under the lock, so that no publication counts with the old ones after one with the new.
            let before = this.inner.rules.swap(Arc::clone(&rules));
            state.rules_changed(before.cell != rules.cell);
            // Releases are made by the new ones from the next closing on; those that stand are never edited.
            this.inner.closed_under_other_rules.notify_one();
            this.publish_locked(state).await?;
            Ok(())
        });
        task.await.map_err(|_panicked| PipelineError::Task)?
    }
}

/// Which rules came, went or say something else: `+` new, `-` gone, `~` changed.
fn changed(old: &Rules, new: &Rules) -> String {
    let labels = |rules: &Rules| -> std::collections::BTreeSet<String> {
        let heads = rules.heads().into_iter();
        heads
            .map(|(kind, head)| format!("{kind}/{}", head.label()))
            .collect()
    };
    let (before, after) = (labels(old), labels(new));
    let mut said: Vec<String> = before
        .difference(&after)
        .map(|label| format!("-{label}"))
        .collect();
    said.extend(after.difference(&before).map(|label| format!("+{label}")));
    let kinds = [
        ("air", old.air == new.air),
        ("area", old.areas == new.areas),
        ("cell", old.cell == new.cell),
        ("forecast", old.forecast == new.forecast),
        ("instrument", old.instruments == new.instruments),
        ("release", old.release == new.release),
        ("tracing", old.tracing == new.tracing),
        ("trend", old.trend == new.trend),
        ("venue", old.venue == new.venue),
    ];
    said.extend(
        kinds
            .into_iter()
            .filter(|(_, is_same)| !is_same)
            .map(|(kind, _)| format!("~{kind}")),
    );
    if said.is_empty() {
        "nothing changed".to_owned()
    } else {
        said.join(" ")
    }
}
