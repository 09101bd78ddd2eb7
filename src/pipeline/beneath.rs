use crate::risk::{Beneath, BeneathNode};

/// More than a country's cells need.
const LIMIT_BYTES: usize = 1 << 32;
const HEADER: usize = 8;

/// What lies beneath a release, as the store keeps it; nothing where there is nothing to keep.
pub(super) fn to_bytes<K: ToString>(beneath: &Beneath<K>) -> Option<Vec<u8>> {
    if beneath.exact.is_empty() && beneath.nodes.is_empty() {
        return None;
    }
    let nodes: Vec<(String, &BeneathNode)> = beneath
        .nodes
        .iter()
        .map(|(key, node)| (key.to_string(), node))
        .collect();
    let nodes = serde_json::to_vec(&nodes).ok()?;
    let mut body = Vec::with_capacity(HEADER + nodes.len() + beneath.exact.len() * 8);
    body.extend_from_slice(&(nodes.len() as u64).to_le_bytes());
    body.extend_from_slice(&nodes);
    for figure in beneath.exact.iter().flatten() {
        body.extend_from_slice(&figure.to_le_bytes());
    }
    zstd::bulk::compress(&body, 1).ok()
}

/// Reads [`to_bytes`]; `None` when it is not that. `key` reads what stands for a cell or an area.
pub(super) fn from_bytes<K: Ord>(bytes: &[u8], key: impl Fn(&str) -> Option<K>) -> Option<Beneath<K>> {
    let body = zstd::bulk::decompress(bytes, LIMIT_BYTES.min(body_length(bytes)?)).ok()?;
    let (length, rest) = body.split_first_chunk::<HEADER>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (nodes, exact) = rest.split_at_checked(length)?;
    let nodes: Vec<(String, BeneathNode)> = serde_json::from_slice(nodes).ok()?;
    let nodes = nodes.into_iter().map(|(text, node)| Some((key(&text)?, node)));
    let mut nodes: Vec<(K, BeneathNode)> = nodes.collect::<Option<_>>()?;
    nodes.sort_by(|a, b| a.0.cmp(&b.0));
    let (figures, left) = exact.as_chunks::<4>();
    let figures: Vec<u32> = figures.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let (exact, odd) = figures.as_chunks::<2>();
    (left.is_empty() && odd.is_empty()).then(|| Beneath {
        exact: exact.to_vec(),
        nodes,
    })
}

fn body_length(bytes: &[u8]) -> Option<usize> {
    let length = zstd::zstd_safe::get_frame_content_size(bytes).ok()??;
    usize::try_from(length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AreaCode;

    #[test]
    fn what_lies_beneath_a_release_comes_back_whole_or_not_at_all() {
        let node = BeneathNode {
            withdrawn: Some([40, 0]),
            keeper: true,
            since: Some(1),
            stages: vec![15, -3],
            beside: 15,
        };
        let code = |text: &str| AreaCode::new(text).ok();
        let beneath = Beneath {
            exact: vec![[24, 21], [300, 120]],
            nodes: vec![(code("164").unwrap(), node)],
        };
        let bytes = to_bytes(&beneath).unwrap();
        assert_eq!(from_bytes(&bytes, code), Some(beneath));
        assert_eq!(from_bytes(&bytes[..bytes.len() - 1], code), None);
        assert_eq!(from_bytes(b"else", code), None);
        assert_eq!(to_bytes(&Beneath::<AreaCode>::default()), None);
    }
}
