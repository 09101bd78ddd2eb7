/// Shares of counts, drawn towards target shares as far as their smallness demands: the James-Stein estimator of Hausser and
/// Strimmer 2009 ("Entropy inference and the James-Stein estimator", JMLR 10, equations 4 and 5).
///
/// The weight of the target is λ = (1 − Σ p²) / ((n − 1) Σ (t − p)²), held within 0..=1, with the observed shares p of n
/// counts and the target t. Without counts, or with one, it is the target itself. The shares of both sum to 1.
#[must_use]
pub fn shrunk_shares(counts: &[f64], target: &[f64]) -> ShrunkShares {
    let all: f64 = counts.iter().sum();
    if all <= 1.0 {
        return ShrunkShares {
            shares: target.to_vec(),
            target_weight: 1.0,
        };
    }
    let observed: Vec<f64> = counts.iter().map(|count| count / all).collect();
    let variance = 1.0 - observed.iter().map(|share| share * share).sum::<f64>();
    let apart: f64 = observed.iter().zip(target).map(|(p, t)| (t - p) * (t - p)).sum();
    let weight = if apart > 0.0 {
        (variance / ((all - 1.0) * apart)).min(1.0)
    } else {
        1.0
    };
    ShrunkShares {
        shares: observed
            .iter()
            .zip(target)
            .map(|(p, t)| weight * t + (1.0 - weight) * p)
            .collect(),
        target_weight: weight,
    }
}

/// What [`shrunk_shares`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct ShrunkShares {
    /// The shares; their sum is 1.
    pub shares: Vec<f64>,
    /// λ, how much of them is the target's, 0..=1.
    pub target_weight: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_a_small_sample_are_drawn_to_even_shares_by_the_published_weight() {
        // For an even target Σ (t − p)² is Σ p² − 1/k.
        let counts = [4.0, 2.0, 3.0, 0.0, 2.0, 4.0, 0.0, 0.0, 2.0, 1.0, 1.0];
        let even = [1.0 / 11.0; 11];
        let squares: f64 = counts.iter().map(|c| c * c).sum::<f64>() / 361.0;
        let weight = (1.0 - squares) / (18.0 * (squares - 1.0 / 11.0));
        let found = shrunk_shares(&counts, &even);
        assert!((0.7..0.8).contains(&weight), "{weight}");
        assert!((found.target_weight - weight).abs() < 1e-12);
        let found = found.shares;
        assert!((found[3] - weight / 11.0).abs() < 1e-12);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn many_counts_speak_for_themselves_and_one_for_nothing() {
        let target = [0.25; 4];
        assert_eq!(shrunk_shares(&[1.0, 0.0, 0.0, 0.0], &target).shares, target);
        assert_eq!(shrunk_shares(&[0.0; 4], &target).shares, target);
        let many = shrunk_shares(&[1e6, 2e6, 3e6, 4e6], &target).shares;
        assert!(
            (many[0] - 0.1).abs() < 1e-5 && (many[3] - 0.4).abs() < 1e-5,
            "{many:?}"
        );
    }
}
