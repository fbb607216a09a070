//! Pages over several ordered lists as if they were one.

use std::cmp::Ordering;

use super::tree::{Count, Tree};

/// The entries at the ranks `from..to` of the union of the lists, in order. The lists share no entry.
///
/// One list costs its page and O(log n); k lists cost their merged page and O(k² log² n) at worst, for a small k.
pub(crate) fn slice<E: Copy>(
    lists: &[&Tree<E, Count>],
    from: usize,
    to: usize,
    compare: impl Fn(&E, &E) -> Ordering,
) -> Vec<E> {
    if let [list] = lists {
        return list.iter_from(from).take(to.saturating_sub(from)).collect();
    }
    let starts = split(lists, from, &compare);
    let mut cursors: Vec<_> =
        lists.iter().zip(starts).map(|(list, start)| list.iter_from(start).peekable()).collect();
    let mut merged = Vec::with_capacity(to.saturating_sub(from));
    while merged.len() < to.saturating_sub(from) {
        let next = cursors
            .iter_mut()
            .filter_map(|cursor| Some((*cursor.peek()?, cursor)))
            .min_by(|(one, _), (other, _)| compare(one, other));
        let Some((entry, cursor)) = next else { break };
        cursor.next();
        merged.push(entry);
    }
    merged
}

/// How many entries of each list are among the first `rank` of the union.
fn split<E: Copy>(
    lists: &[&Tree<E, Count>],
    rank: usize,
    compare: &impl Fn(&E, &E) -> Ordering,
) -> Vec<usize> {
    let total: usize = lists.iter().map(|list| list.len()).sum();
    let after = total.saturating_sub(rank);
    // The answer for a list lies in low..=high. Both ends of the union are near: a first page is found at once.
    let mut low: Vec<usize> = lists.iter().map(|list| list.len().saturating_sub(after)).collect();
    let mut high: Vec<usize> = lists.iter().map(|list| list.len().min(rank)).collect();
    while let Some(widest) =
        (0..lists.len()).filter(|at| low[*at] < high[*at]).max_by_key(|at| high[*at] - low[*at])
    {
        let middle = low[widest].midpoint(high[widest]);
        let pivot = lists[widest].iter_from(middle).next().expect("the middle lies inside the list");
        let before: Vec<usize> = (0..lists.len())
            .map(|at| if at == widest { middle } else { lists[at].rank(|entry| compare(entry, &pivot)) })
            .collect();
        if before.iter().sum::<usize>() < rank {
            low.iter_mut().zip(&before).for_each(|(low, before)| *low = (*low).max(*before));
            low[widest] = middle + 1;
        } else {
            high.iter_mut().zip(&before).for_each(|(high, before)| *high = (*high).min(*before));
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn a_union_is_one_sorted_list(
            owners in proptest::collection::vec(0..4_usize, 0..2_000),
            from in 0..2_100_usize,
            length in 0..300_usize,
        ) {
            let mut lists: [Tree<u32, Count>; 4] = Default::default();
            for (entry, owner) in owners.iter().enumerate() {
                let entry = entry as u32;
                lists[*owner].insert(entry, |other| other.cmp(&entry));
            }
            let page = slice(&lists.each_ref()[..], from, from + length, u32::cmp);
            let expected: Vec<u32> = (0..owners.len() as u32).skip(from).take(length).collect();
            prop_assert_eq!(page, expected);
            // Of some of the lists, and of one.
            for some in [&[1, 3][..], &[2][..], &[][..]] {
                let chosen: Vec<_> = some.iter().map(|at| &lists[*at]).collect();
                let expected: Vec<u32> = (0..owners.len() as u32)
                    .filter(|entry| some.contains(&owners[*entry as usize]))
                    .skip(from)
                    .take(length)
                    .collect();
                prop_assert_eq!(slice(&chosen, from, from + length, u32::cmp), expected);
            }
        }
    }
}
