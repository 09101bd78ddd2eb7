//! The cases that a trend reads of one area are those that its sums count.

use super::*;

#[tokio::test]
async fn each_area_gets_the_cases_that_it_counts_however_they_name_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let day = Day::of(NOON, UtcOffset::VIETNAM);
    let commune = |code: &str, parent: &str, west: f64, from: Option<Day>| Area {
        level: AreaLevel::Commune,
        valid_from: from,
        ..area(code, Some(parent), west, 21.5, 0.1)
    };
    pipeline
        .put_areas(vec![
            area("19", None, 105.5, 21.2, 1.0),
            area("164", Some("19"), 105.7, 21.5, 0.2),
            area("165", Some("19"), 105.9, 21.5, 0.2),
            commune("c1", "164", 105.7, None),
            // Wider than what holds it, and moved to its neighbour three days ago.
            commune("c2", "164", 105.85, None),
            commune("c2", "165", 105.85, Some(Day(day.0 - 3))),
            // On the other side of the globe, over the edge of the map.
            area("far", None, 179.95, 21.5, 0.04),
        ])
        .await
        .unwrap();
    let mut cases: Vec<Event<Case>> = Vec::new();
    for n in 0..240_i64 {
        let at = NOON.plus_s(-3600 * (2 + n * 3 % 150));
        let code = ["c1", "c2", "164", "165", "19", "far"]
            .get(n as usize % 9)
            .copied();
        let step = n as f64 / 240.0;
        let point = match n % 5 {
            // Corners and edges too.
            0 => Some((105.7, 21.5)),
            1 => Some((179.97, 21.52)),
            2 => None,
            _ => Some((105.4 + step, 21.1 + (step * 7.0) % 1.2)),
        };
        cases.push(case(&format!("c{n}"), at, code, point));
    }
    // The same case twice counts where it was reported first.
    cases.push(case("c0", NOON.plus_s(-3600), Some("165"), None));
    pipeline.append(EventBatch::Cases(cases)).await.unwrap();
    let snapshot = pipeline.publish().await.unwrap();
    let (first, last) = (Day(day.0 - 8), Day(day.0 - 1));
    let mut all = 0;
    for code in ["19", "164", "165", "c1", "c2", "far"].map(area_code) {
        let dates = pipeline.case_dates(&code, first, last).await.unwrap();
        let counted: u32 = (first.0..=last.0)
            .map(|day| snapshot.area_cases(&code, Day(day).window(UtcOffset::VIETNAM)))
            .sum();
        assert_eq!(dates.len(), counted as usize, "{code}");
        assert!(counted > 0, "{code}");
        all += counted;
    }
    assert!(all > 200, "{all}");
}
