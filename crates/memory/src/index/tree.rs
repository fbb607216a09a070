//! A B+ tree that keeps a sum beside every subtree.
//!
//! Entries are small values (a slot number, a packed event) without an order of their own: the caller passes the
//! comparison, because what orders them lies elsewhere. With [`Count`] as the sum the tree answers "the entry at this
//! rank" and "how many lie before", with a tally as the sum it answers "what happened in this window", all in O(log n).

use std::cmp::Ordering;
use std::slice;

/// Most entries in one leaf. Small enough that the two cut leaves of a window are read in no time,
/// large enough that a child (some 50 bytes, with a tally 130) weighs one or two bytes per entry.
const LEAF: usize = 64;
/// Most children of one inner node.
const INNER: usize = 32;

/// A commutative sum over entries.
pub(crate) trait Sum<E>: Default {
    /// The sum of one leaf.
    fn of(entries: &[E]) -> Self;
    /// Adds another sum to this one.
    fn merge(&mut self, other: &Self);
}

/// The number of entries, the sum that ranks are read from.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(u32);

impl Count {
    fn get(self) -> usize {
        self.0 as usize
    }
}

impl<E> Sum<E> for Count {
    fn of(entries: &[E]) -> Self {
        Self(u32::try_from(entries.len()).expect("a leaf is small"))
    }

    fn merge(&mut self, other: &Self) {
        self.0 += other.0;
    }
}

/// The tree.
#[derive(Debug, Clone)]
pub(crate) struct Tree<E, S> {
    root: Node<E, S>,
}

#[derive(Debug, Clone)]
enum Node<E, S> {
    Leaf(Vec<E>),
    Inner(Vec<Child<E, S>>),
}

#[derive(Debug, Clone)]
struct Child<E, S> {
    /// The first entry below, so that a search need not go down to compare.
    first: E,
    sum: S,
    node: Node<E, S>,
}

impl<E: Copy, S: Sum<E>> Default for Tree<E, S> {
    fn default() -> Self {
        Self { root: Node::Leaf(Vec::new()) }
    }
}

impl<E: Copy, S: Sum<E>> Tree<E, S> {
    /// Puts an entry after those that `compare` calls less than it.
    pub(crate) fn insert(&mut self, entry: E, compare: impl Fn(&E) -> Ordering) {
        if let Some(right) = self.root.insert(entry, true, &compare) {
            let left = Child::over(std::mem::take(&mut self.root));
            self.root = Node::Inner(vec![left, right]);
        }
    }

    /// Takes out the entry that `compare` calls equal; whether there was one.
    pub(crate) fn remove(&mut self, compare: impl Fn(&E) -> Ordering) -> bool {
        let found = self.root.remove(&compare);
        while let Node::Inner(children) = &mut self.root
            && children.len() < 2
        {
            self.root = children.pop().map(|child| child.node).unwrap_or_default();
        }
        found
    }

    /// The sum of the entries for which `started` holds and `ended` does not yet.
    /// Both must hold for a tail of the tree only, and `ended` for none that has not started.
    pub(crate) fn between(&self, started: impl Fn(&E) -> bool, ended: impl Fn(&E) -> bool) -> S {
        let mut sum = S::default();
        self.root.between(Some(&started), Some(&ended), &mut sum);
        sum
    }
}

impl<E: Copy> Tree<E, Count> {
    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        match &self.root {
            Node::Leaf(entries) => entries.len(),
            Node::Inner(children) => children.iter().map(|child| child.sum.get()).sum(),
        }
    }

    /// How many entries `compare` calls less.
    pub(crate) fn rank(&self, compare: impl Fn(&E) -> Ordering) -> usize {
        self.between(|_| true, |entry| compare(entry).is_ge()).get()
    }

    /// The entries from a rank on, in order.
    pub(crate) fn iter_from(&self, rank: usize) -> Iter<'_, E> {
        let mut iter = Iter { path: Vec::new(), leaf: [].iter() };
        iter.descend(&self.root, rank);
        iter
    }
}

impl<E, S> Default for Node<E, S> {
    fn default() -> Self {
        Self::Leaf(Vec::new())
    }
}

impl<E: Copy, S: Sum<E>> Child<E, S> {
    /// A child over a node that holds something.
    fn over(node: Node<E, S>) -> Self {
        let first = match &node {
            Node::Leaf(entries) => entries[0],
            Node::Inner(children) => children[0].first,
        };
        Self { first, sum: node.sum(), node }
    }

    /// Brings `first` and `sum` in line with the node again.
    fn refresh(&mut self) {
        *self = Self::over(std::mem::take(&mut self.node));
    }
}

impl<E: Copy, S: Sum<E>> Node<E, S> {
    fn sum(&self) -> S {
        match self {
            Self::Leaf(entries) => S::of(entries),
            Self::Inner(children) => {
                let mut sum = S::default();
                children.iter().for_each(|child| sum.merge(&child.sum));
                sum
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Inner(children) => children.len(),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::Leaf(_) => LEAF,
            Self::Inner(_) => INNER,
        }
    }

    /// Puts the entry below this node; the right half, when the node was full.
    ///
    /// `last` says that nothing lies to the right of this node. What grows at the end only (moments mostly do) then
    /// leaves full nodes behind instead of half empty ones.
    fn insert(&mut self, entry: E, last: bool, compare: &impl Fn(&E) -> Ordering) -> Option<Child<E, S>> {
        match self {
            Self::Leaf(entries) => {
                let at = entries.partition_point(|other| compare(other).is_lt());
                put(entries, at, entry, LEAF, last).map(|right| Child::over(Self::Leaf(right)))
            }
            Self::Inner(children) => {
                let at = child_of(children, compare);
                let last_child = last && at + 1 == children.len();
                let split = children[at].node.insert(entry, last_child, compare);
                match split {
                    None => {
                        let child = &mut children[at];
                        child.sum.merge(&S::of(&[entry]));
                        if compare(&child.first).is_gt() {
                            child.first = entry;
                        }
                        None
                    }
                    Some(right) => {
                        children[at].refresh();
                        put(children, at + 1, right, INNER, last).map(|right| Child::over(Self::Inner(right)))
                    }
                }
            }
        }
    }

    fn remove(&mut self, compare: &impl Fn(&E) -> Ordering) -> bool {
        match self {
            Self::Leaf(entries) => match entries.binary_search_by(compare) {
                Ok(at) => {
                    entries.remove(at);
                    true
                }
                Err(_) => false,
            },
            Self::Inner(children) => {
                let at = child_of(children, compare);
                let found = children[at].node.remove(compare);
                if found {
                    if children[at].node.len() == 0 {
                        children.remove(at);
                    } else {
                        children[at].refresh();
                        merge_thin(children, at);
                    }
                }
                found
            }
        }
    }

    /// Adds what lies between two bounds; a bound of `None` means that all of this node is on the right side of it.
    fn between<A, B>(&self, started: Option<&A>, ended: Option<&B>, sum: &mut S)
    where
        A: Fn(&E) -> bool,
        B: Fn(&E) -> bool,
    {
        match self {
            Self::Leaf(entries) => {
                let from = started.map_or(0, |started| entries.partition_point(|entry| !started(entry)));
                let to = ended.map_or(entries.len(), |ended| entries.partition_point(|entry| !ended(entry)));
                if from < to {
                    sum.merge(&S::of(&entries[from..to]));
                }
            }
            Self::Inner(children) => {
                // The child before the first one that starts inside is cut by the bound.
                let from = started.map_or(0, |started| {
                    children.partition_point(|child| !started(&child.first)).saturating_sub(1)
                });
                let to = ended
                    .map_or(children.len(), |ended| children.partition_point(|child| !ended(&child.first)));
                for (at, child) in children.iter().enumerate().take(to).skip(from) {
                    let cut_left = started.filter(|_| at == from);
                    let cut_right = ended.filter(|_| at + 1 == to);
                    if cut_left.is_none() && cut_right.is_none() {
                        sum.merge(&child.sum);
                    } else {
                        child.node.between(cut_left, cut_right, sum);
                    }
                }
            }
        }
    }
}

/// Entries of a [`Tree`] in order.
#[derive(Debug)]
pub(crate) struct Iter<'a, E> {
    /// The siblings still to come, from the root down.
    path: Vec<slice::Iter<'a, Child<E, Count>>>,
    leaf: slice::Iter<'a, E>,
}

impl<'a, E: Copy> Iter<'a, E> {
    fn descend(&mut self, mut node: &'a Node<E, Count>, mut rank: usize) {
        loop {
            match node {
                Node::Leaf(entries) => {
                    self.leaf = entries.get(rank..).unwrap_or_default().iter();
                    return;
                }
                Node::Inner(children) => {
                    let mut rest = children.iter();
                    let Some(child) = rest.by_ref().find(|child| {
                        let inside = rank < child.sum.get();
                        rank -= if inside { 0 } else { child.sum.get() };
                        inside
                    }) else {
                        return;
                    };
                    self.path.push(rest);
                    node = &child.node;
                }
            }
        }
    }
}

impl<E: Copy> Iterator for Iter<'_, E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        loop {
            if let Some(entry) = self.leaf.next() {
                return Some(*entry);
            }
            match self.path.last_mut()?.next() {
                Some(child) => self.descend(&child.node, 0),
                None => {
                    self.path.pop();
                }
            }
        }
    }
}

/// The child that an entry belongs to: the last that does not begin after it, else the first.
fn child_of<E, S>(children: &[Child<E, S>], compare: &impl Fn(&E) -> Ordering) -> usize {
    children.partition_point(|child| compare(&child.first).is_le()).saturating_sub(1)
}

/// Inserts into a node of bounded size; the right part, when it had to be split.
fn put<T>(items: &mut Vec<T>, at: usize, item: T, capacity: usize, last: bool) -> Option<Vec<T>> {
    if items.len() < capacity {
        items.insert(at, item);
        return None;
    }
    if last && at == items.len() {
        return Some(vec![item]);
    }
    let middle = capacity / 2;
    let mut right = items.split_off(middle);
    if at <= middle {
        items.insert(at, item);
    } else {
        right.insert(at - middle, item);
    }
    Some(right)
}

/// Joins the child with a neighbour when it has become thin and both fit in one node.
fn merge_thin<E: Copy, S: Sum<E>>(children: &mut Vec<Child<E, S>>, at: usize) {
    let child = &children[at].node;
    if child.len() >= child.capacity() / 4 {
        return;
    }
    let fits = |left: usize| {
        let pair = children.get(left..left + 2)?;
        (pair[0].node.len() + pair[1].node.len() <= pair[0].node.capacity()).then_some(left)
    };
    let Some(left) = fits(at).or_else(|| fits(at.checked_sub(1)?)) else { return };
    let right = children.remove(left + 1).node;
    match (&mut children[left].node, right) {
        (Node::Leaf(left), Node::Leaf(right)) => left.extend(right),
        (Node::Inner(left), Node::Inner(right)) => left.extend(right),
        (Node::Leaf(_), Node::Inner(_)) | (Node::Inner(_), Node::Leaf(_)) => {
            unreachable!("all leaves lie at one depth")
        }
    }
    children[left].refresh();
}

#[cfg(test)]
mod tests;
