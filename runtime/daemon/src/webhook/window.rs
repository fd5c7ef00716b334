//! Which credit events are on their way to a webhook, and which may be sent next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aquarium_store::derived::{OutboxItem, OutboxPlace};
use tokio::time::Instant;

/// Events that are held in memory for one webhook: so many may overtake one that fails again and again.
const WINDOW: usize = 1_024;
/// The wait before a second attempt; it doubles up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_millis(250);
/// The longest wait between attempts.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// Events from the first that was not delivered on.
pub struct Window {
    events: BTreeMap<OutboxPlace, Event>,
    /// The last event that was taken in.
    taken: OutboxPlace,
}

struct Event {
    item: OutboxItem,
    state: State,
    attempts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It may be sent from this instant on; at once where there is none.
    Waiting(Option<Instant>),
    UnderWay,
    Delivered,
}

impl Window {
    /// No events; everything up to a place was delivered before.
    pub fn new(done: OutboxPlace) -> Self {
        Self { events: BTreeMap::new(), taken: done }
    }

    /// Where to go on taking in, and how much; `None` where there is no room.
    pub fn room(&self) -> Option<(OutboxPlace, usize)> {
        let room = WINDOW.saturating_sub(self.events.len());
        (room > 0).then_some((self.taken, room))
    }

    /// Whether there is room.
    pub fn has_room(&self) -> bool {
        self.room().is_some()
    }

    /// Takes in the next event.
    pub fn push(&mut self, item: OutboxItem) {
        self.taken = self.taken.max(item.place);
        self.events.insert(item.place, Event { item, state: State::Waiting(None), attempts: 0 });
    }

    /// Events to be sent now, at most `free`: of each user the first that is not delivered.
    pub fn begin(&mut self, now: Instant, free: usize) -> Vec<OutboxItem> {
        let mut begun = Vec::new();
        let mut held: BTreeSet<(u16, &str)> = BTreeSet::new();
        for event in self.events.values_mut().filter(|event| event.state != State::Delivered) {
            if begun.len() == free {
                break;
            }
            let first = held.insert((event.item.partition, event.item.user.as_str()));
            let State::Waiting(from) = event.state else { continue };
            if first && from.is_none_or(|from| from <= now) {
                event.state = State::UnderWay;
                begun.push(event.item.clone());
            }
        }
        begun
    }

    /// An event was taken by the webhook.
    pub fn delivered(&mut self, place: OutboxPlace) {
        if let Some(event) = self.events.get_mut(&place) {
            event.state = State::Delivered;
        }
        while let Some(first) = self.events.first_entry()
            && first.get().state == State::Delivered
        {
            first.remove();
        }
    }

    /// An event was not taken; gives how often it was tried. The wait is doubled each time, and spread by
    /// `chance`, in [0, 1), so that not all who failed together come back together.
    pub fn failed(&mut self, place: OutboxPlace, now: Instant, chance: impl FnOnce() -> f64) -> u32 {
        let Some(event) = self.events.get_mut(&place) else { return 0 };
        event.attempts = event.attempts.saturating_add(1);
        let doubled = 1_u32.checked_shl(event.attempts - 1).unwrap_or(u32::MAX);
        let longest = RETRY_FIRST.saturating_mul(doubled).min(RETRY_MAX);
        let wait = longest.div_f64(2.0) + longest.mul_f64(chance() / 2.0);
        event.state = State::Waiting(Some(now + wait));
        event.attempts
    }

    /// When the next attempt is due; `None` where none waits for its time.
    pub fn next_retry(&self) -> Option<Instant> {
        let due = self.events.values().filter_map(|event| match event.state {
            State::Waiting(due) => due,
            State::UnderWay | State::Delivered => None,
        });
        due.min()
    }

    /// Everything up to here was delivered.
    pub fn done_up_to(&self) -> OutboxPlace {
        let before = |(place, _): (&OutboxPlace, &Event)| OutboxPlace(place.0.saturating_sub(1));
        self.events.first_key_value().map_or(self.taken, before)
    }
}

#[cfg(test)]
mod tests {
    use aquarium_store::derived::Announcement;

    use super::*;

    fn window(users: &[&str]) -> Window {
        let mut window = Window::new(OutboxPlace(10));
        for (place, user) in (11..).zip(users) {
            let announcement = Announcement { sequence: place, body: Vec::new() };
            let (place, user) = (OutboxPlace(place), (*user).to_owned());
            window.push(OutboxItem { place, partition: 0, user, announcement });
        }
        window
    }

    fn begun(window: &mut Window, now: Instant, free: usize) -> Vec<u64> {
        window.begin(now, free).iter().map(|item| item.place.0).collect()
    }

    #[test]
    fn a_users_events_wait_for_each_other_and_not_for_those_of_others() {
        let now = Instant::now();
        let mut window = window(&["a", "a", "b", "c", "b"]);
        assert_eq!(begun(&mut window, now, 2), [11, 13]);
        assert_eq!(begun(&mut window, now, 9), [14]);
        window.delivered(OutboxPlace(13));
        assert_eq!(begun(&mut window, now, 9), [15]);
        assert_eq!(window.failed(OutboxPlace(11), now, || 0.0), 1);
        assert!(begun(&mut window, now, 9).is_empty());
        assert_eq!(window.next_retry(), Some(now + RETRY_FIRST / 2));
        assert_eq!(begun(&mut window, now + RETRY_FIRST, 9), [11]);
        window.delivered(OutboxPlace(11));
        assert_eq!(begun(&mut window, now, 9), [12]);
    }

    #[test]
    fn the_cursor_stands_before_the_first_that_was_not_delivered() {
        let mut window = window(&["a", "b", "c"]);
        assert_eq!(begun(&mut window, Instant::now(), 9), [11, 12, 13]);
        assert_eq!(window.done_up_to(), OutboxPlace(10));
        window.delivered(OutboxPlace(12));
        assert_eq!(window.done_up_to(), OutboxPlace(10));
        window.delivered(OutboxPlace(11));
        assert_eq!(window.done_up_to(), OutboxPlace(12));
        window.delivered(OutboxPlace(13));
        assert_eq!((window.done_up_to(), window.room()), (OutboxPlace(13), Some((OutboxPlace(13), WINDOW))));
    }

    #[test]
    fn attempts_come_ever_later_and_have_a_longest_wait() {
        let now = Instant::now();
        let mut window = window(&["a"]);
        let mut waits = Vec::new();
        for attempt in 1..40 {
            assert_eq!(window.failed(OutboxPlace(11), now, || 1.0), attempt);
            waits.push(window.next_retry().unwrap() - now);
        }
        assert!(waits.is_sorted() && waits[0] == RETRY_FIRST && waits[38] == RETRY_MAX, "{waits:?}");
    }
}
