//! How many connections are open, in all and per peer.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The places for connections.
#[derive(Debug)]
pub(super) struct Slots {
    most: usize,
    most_per_peer: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// A place that is taken until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    peer: IpAddr,
}

impl Slots {
    /// `most` places, `most_per_peer` of them for one peer.
    pub(super) fn new(most: usize, most_per_peer: usize) -> Arc<Self> {
        Arc::new(Self { most, most_per_peer, taken: Mutex::default() })
    }

    /// A place for `address`, if one is free.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let peer = peer(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = taken.by_peer.get(&peer).copied().unwrap_or(0);
        if taken.all >= self.most || of_peer >= self.most_per_peer {
            return None;
        }
        taken.all += 1;
        taken.by_peer.insert(peer, of_peer + 1);
        Some(Slot { slots: Arc::clone(self), peer })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(of_peer) = taken.by_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                taken.by_peer.remove(&self.peer);
            }
        }
    }
}

/// Whom an address belongs to: one host has a whole /64 of IPv6 addresses to choose from.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_peer_has_its_share_and_gets_it_back() {
        let slots = Slots::new(3, 2);
        let first = slots.take(address("192.0.2.1"));
        let second = slots.take(address("192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(slots.take(address("192.0.2.1")).is_none());
        drop(first);
        assert!(slots.take(address("192.0.2.1")).is_some());
    }

    #[test]
    fn all_peers_share_the_whole() {
        let slots = Slots::new(2, 2);
        let held = [slots.take(address("192.0.2.1")), slots.take(address("192.0.2.2"))];
        assert!(held.iter().all(Option::is_some));
        assert!(slots.take(address("192.0.2.3")).is_none());
        drop(held);
        assert!(slots.taken.lock().unwrap().by_peer.is_empty());
    }

    #[test]
    fn a_v6_network_is_one_peer_and_a_mapped_v4_address_is_itself() {
        let slots = Slots::new(9, 1);
        let held = slots.take(address("2001:db8::1"));
        assert!(held.is_some());
        assert!(slots.take(address("2001:db8::2")).is_none());
        assert!(slots.take(address("2001:db8:0:1::1")).is_some());
        assert_eq!(peer(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
