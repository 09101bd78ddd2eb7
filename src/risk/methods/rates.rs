use crate::risk::methods::Neighbours;

/// What was counted among how many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counted {
    /// Cases, 0 or more.
    pub cases: f64,
    /// People at risk, above 0.
    pub people: f64,
}

impl Counted {
    /// Cases per person.
    #[must_use]
    pub fn rate(self) -> f64 {
        self.cases / self.people
    }

    fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        all.fold(
            Self {
                cases: 0.0,
                people: 0.0,
            },
            |sum, each| Self {
                cases: sum.cases + each.cases,
                people: sum.people + each.people,
            },
        )
    }
}

/// Rates drawn towards their mean, the more the fewer people stand behind them (Marshall 1991, "Mapping disease and
/// mortality rates using empirical Bayes estimators", global form). Where the rates vary less than chance makes them, the
/// variance between places is 0, and each estimate is the mean.
#[must_use]
pub fn empirical_bayes(places: &[Counted]) -> Vec<f64> {
    let Some(prior) = Prior::of(places) else {
        return places.iter().map(|_| 0.0).collect();
    };
    places.iter().map(|place| prior.estimate(*place)).collect()
}

/// The same, each place drawn towards the mean of itself and its neighbours. The variance is that of the rates around that
/// mean, as `GeoDa` and esda compute it.
#[must_use]
pub fn spatial_empirical_bayes(places: &[Counted], neighbours: &Neighbours) -> Vec<f64> {
    (0..places.len())
        .map(|place| {
            let around: Vec<Counted> = std::iter::once(place)
                .chain(neighbours.of(place).iter().copied())
                .map(|each| places[each])
                .collect();
            Prior::of(&around).map_or(0.0, |prior| prior.estimate(places[place]))
        })
        .collect()
}

/// How many times the cases that the overall rate lets expect.
#[must_use]
pub fn excess_risk(places: &[Counted]) -> Vec<f64> {
    let all = Counted::sum(places.iter()).rate();
    places
        .iter()
        .map(|place| place.cases / (place.people * all))
        .collect()
}

/// The rate of each place and its neighbours together.
#[must_use]
pub fn spatial_rates(places: &[Counted], neighbours: &Neighbours) -> Vec<f64> {
    (0..places.len())
        .map(|place| {
            let around = std::iter::once(&place).chain(neighbours.of(place));
            Counted::sum(around.map(|each| &places[*each])).rate()
        })
        .collect()
}

struct Prior {
    mean: f64,
    /// Between places, what chance explains taken off.
    variance: f64,
}

impl Prior {
    fn of(places: &[Counted]) -> Option<Self> {
        let all = Counted::sum(places.iter());
        if all.people <= 0.0 {
            return None;
        }
        let mean = all.rate();
        let spread = places
            .iter()
            .map(|place| place.people * (place.rate() - mean).powi(2))
            .sum::<f64>()
            / all.people;
        let by_chance = mean / (all.people / places.len() as f64);
        Some(Self {
            mean,
            variance: (spread - by_chance).max(0.0),
        })
    }

    fn estimate(&self, place: Counted) -> f64 {
        if self.variance == 0.0 {
            return self.mean;
        }
        let weight = self.variance / (self.variance + self.mean / place.people);
        self.mean + (place.rate() - self.mean) * weight
    }
}
