use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Durations in seconds: OpenTelemetry's boundaries for HTTP servers.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// How often samples are moved into their histograms; until then each one takes memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Starts recording figures; the handle renders them for `/metrics`. `None` when something records already.
/// Inside a runtime a task keeps the memory bounded even when nobody ever asks for them.
#[must_use]
pub fn record() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .ok()?;
    match builder.install_recorder() {
        Ok(handle) => {
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(keep_up(handle.clone()));
            }
            Some(handle)
        }
        Err(error) => {
            tracing::warn!(%error, "no figures for /metrics");
            None
        }
    }
}

async fn keep_up(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}
