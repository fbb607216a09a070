use proptest::prelude::*;

use super::*;

type Ranks = Tree<u32, Count>;

#[derive(Debug, Clone, Copy)]
enum Step {
    Insert(u32),
    Remove(u32),
}

fn insert(tree: &mut Ranks, entry: u32) {
    tree.insert(entry, |other| other.cmp(&entry));
}

fn remove(tree: &mut Ranks, entry: u32) -> bool {
    tree.remove(|other| other.cmp(&entry))
}

/// Every child knows its first entry and its sum, no node is empty or too large, all leaves lie at one depth.
fn check_shape(node: &Node<u32, Count>, is_root: bool) -> usize {
    assert!(node.len() <= node.capacity());
    assert!(is_root || node.len() > 0);
    let Node::Inner(children) = node else { return 0 };
    assert!(!is_root || children.len() > 1);
    let depths: Vec<usize> = children
        .iter()
        .map(|child| {
            let first = match &child.node {
                Node::Leaf(entries) => entries[0],
                Node::Inner(children) => children[0].first,
            };
            assert_eq!(child.first, first);
            assert_eq!(child.sum, child.node.sum());
            check_shape(&child.node, false)
        })
        .collect();
    assert!(depths.windows(2).all(|pair| pair[0] == pair[1]));
    depths[0] + 1
}

fn check_equal(tree: &Ranks, expected: &[u32]) {
    check_shape(&tree.root, true);
    assert_eq!(tree.len(), expected.len());
    assert_eq!(tree.iter_from(0).collect::<Vec<_>>(), expected);
}

#[test]
fn entries_appended_in_order_fill_their_leaves() {
    let mut tree = Ranks::default();
    (0..100_000).for_each(|entry| insert(&mut tree, entry));
    check_equal(&tree, &(0..100_000).collect::<Vec<_>>());
    fn leaves(node: &Node<u32, Count>) -> usize {
        match node {
            Node::Leaf(_) => 1,
            Node::Inner(children) => children.iter().map(|child| leaves(&child.node)).sum(),
        }
    }
    assert_eq!(leaves(&tree.root), 100_000_usize.div_ceil(LEAF));
}

#[test]
fn entries_inserted_backwards_are_found_at_their_rank() {
    let mut tree = Ranks::default();
    (0..50_000).rev().for_each(|entry| insert(&mut tree, entry));
    for rank in [0, 1, 63, 64, 65, 25_000, 49_999] {
        assert_eq!(tree.iter_from(rank).next(), Some(rank as u32));
        assert_eq!(tree.rank(|other| other.cmp(&(rank as u32))), rank);
    }
    assert_eq!(tree.iter_from(50_000).next(), None);
    assert_eq!(tree.iter_from(usize::MAX).next(), None);
}

#[test]
fn an_emptied_tree_is_as_new() {
    let mut tree = Ranks::default();
    (0..20_000).for_each(|entry| insert(&mut tree, entry));
    // In an order that thins all nodes out before it empties any.
    for step in 0..20_000_u32 {
        assert!(remove(&mut tree, step * 7_919 % 20_000));
    }
    check_equal(&tree, &[]);
    assert!(matches!(tree.root, Node::Leaf(_)));
    assert!(!remove(&mut tree, 1));
}

#[test]
fn thinned_out_leaves_are_joined() {
    let mut tree = Ranks::default();
    (0..20_000).for_each(|entry| insert(&mut tree, entry));
    (0..20_000).filter(|entry| entry % 20 != 0).for_each(|entry| assert!(remove(&mut tree, entry)));
    check_equal(&tree, &(0..20_000).step_by(20).collect::<Vec<_>>());
    let Node::Inner(children) = &tree.root else { panic!("a thousand entries need more than a leaf") };
    assert!(children.iter().all(|child| matches!(child.node, Node::Leaf(_))));
    assert!(children.len() <= 2 * 1_000 / (LEAF / 2), "{} leaves", children.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_is_a_sorted_list(
        start in 0..3_000_u32,
        steps in proptest::collection::vec(
            prop_oneof![(0..4_000_u32).prop_map(Step::Insert), (0..4_000_u32).prop_map(Step::Remove)],
            0..2_000,
        ),
        probe in 0..4_500_u32,
        width in 0..2_000_u32,
    ) {
        let mut tree = Ranks::default();
        let mut list: Vec<u32> = (0..start).collect();
        list.iter().for_each(|entry| insert(&mut tree, *entry));
        for step in steps {
            match step {
                Step::Insert(entry) => if !list.contains(&entry) {
                    list.push(entry);
                    insert(&mut tree, entry);
                },
                Step::Remove(entry) => {
                    let before = list.len();
                    list.retain(|other| *other != entry);
                    prop_assert_eq!(remove(&mut tree, entry), list.len() < before);
                }
            }
        }
        list.sort_unstable();
        check_equal(&tree, &list);
        let rank = probe as usize;
        prop_assert_eq!(
            tree.iter_from(rank).collect::<Vec<_>>(),
            list.iter().copied().skip(rank).collect::<Vec<_>>()
        );
        prop_assert_eq!(tree.rank(|other| other.cmp(&probe)), list.iter().filter(|other| **other < probe).count());
        let end = probe + width;
        prop_assert_eq!(
            tree.between(|entry| *entry >= probe, |entry| *entry > end).get(),
            list.iter().filter(|entry| (probe..=end).contains(*entry)).count()
        );
    }
}
