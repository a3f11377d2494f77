//! Values in the tier: where they are, their envelopes, and whether they may be served.

use std::sync::OnceLock;
use std::time::Duration;

use redis::{Cmd, Value};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::reads::Address;
use super::{Lease, Mark, Tier, order};
use crate::clock::nanos;
use crate::codec::choice::Choice;
use crate::codec::envelope::{self, Header, Unsealed};
use crate::codec::formats::with_buffer;
use crate::codec::{Codec, Wire};
use crate::log::{Epoch, Judgement};

/// What a call site keeps for the tier.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    /// What sets its values apart from others of the same key and type.
    variant: u64,
    types: OnceLock<Types>,
    codec: Choice,
}

/// What tells values of one type and variant from others of the same key.
#[derive(Debug)]
struct Types {
    fingerprint: u64,
    /// True if the type announced all that it is made of.
    is_settled: bool,
    /// The end of their addresses.
    suffix: String,
}

impl Seat {
    pub(crate) fn new(variant: u64) -> Self {
        Self { variant, ..Self::default() }
    }

    fn types<V>(&self, wire: &Wire<V>) -> &Types {
        self.types.get_or_init(|| {
            let announced = wire.formats.announced();
            let fingerprint = xxh3_64_with_seed(&announced.fingerprint.to_le_bytes(), self.variant);
            Types { fingerprint, is_settled: announced.is_settled, suffix: format!("#{fingerprint:016x}") }
        })
    }

    fn fingerprint<V>(&self, wire: &Wire<V>) -> u64 {
        self.types(wire).fingerprint
    }
}

/// One key of a call site.
pub(crate) struct Place<'a, V> {
    pub(crate) wire: Wire<V>,
    pub(crate) seat: &'a Seat,
    /// `None` for the tier's own.
    pub(crate) codec: Option<Codec>,
    pub(crate) key: &'a str,
    pub(crate) scopes: &'a [u64],
}

/// A value that was read and may be served.
pub(crate) struct Fetched<V> {
    /// `None` if the origin said that there is none.
    pub(crate) value: Option<V>,
    /// Until when it is fresh, and how long its load took, in nanoseconds of the clock.
    pub(crate) expires: u64,
    pub(crate) load_time: u64,
    /// When its load ended, in nanoseconds of the clock.
    pub(crate) ended: u64,
    /// Where it stands in the local log.
    pub(crate) epoch: Epoch,
    /// A refresh came after its load began: it is expired, whatever the time.
    pub(crate) is_refreshed: bool,
}

/// A value that was read.
struct Unpacked<V> {
    header: Header,
    value: Option<V>,
    judgement: Judgement,
}

impl<V> Unpacked<V> {
    fn mark(&self) -> Mark {
        Mark { incarnation: self.header.incarnation, id: self.header.epoch }
    }
}

/// What is stored.
pub(crate) struct Kept<'a, V> {
    /// `None` if the origin said that there is none.
    pub(crate) value: Option<&'a V>,
    /// Where its load began, and when, in nanoseconds of the clock.
    pub(crate) mark: Mark,
    pub(crate) began: u64,
    pub(crate) expires: u64,
    pub(crate) load_time: u64,
    /// How much longer than it is fresh it may be of use.
    pub(crate) beyond: Duration,
}

impl Tier {
    /// The value of a key, if there is one that may be served. Values that bring scopes of their own along are judged by these too.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch<V>(&self, place: &Place<'_, V>, scopes_of: fn(&V) -> Vec<u64>) -> Option<Fetched<V>> {
        // Before the read, so that a fill is as old as its question: an invalidation that comes between the server's answer and
        // its arrival may be on a link that has just gone silent.
        let epoch = self.log.position();
        let (bytes, server) = self.get(self.address_of(place)).await.ok()?;
        let unpacked = self.unpack(place, bytes.as_deref())?;
        let own = unpacked.value.as_ref().map(scopes_of).unwrap_or_default();
        let judge = self.judge(server)?;
        let mark = unpacked.mark();
        let mut judgement = judge.judge(mark, place.scopes);
        if !own.is_empty() {
            judgement = judgement.min(judge.judge(mark, &own));
        }
        drop(judge);
        let is_hit = judgement == Judgement::Current;
        self.count(usize::from(is_hit), usize::from(!is_hit));
        self.judged(Unpacked { judgement, ..unpacked }, epoch)
    }

    /// The values of several keys, in their order, in one round trip.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch_many<'a, V: 'a>(
        &self,
        places: impl Iterator<Item = &'a Place<'a, V>> + Clone,
    ) -> Vec<Option<Fetched<V>>> {
        let addresses: Vec<_> = places.clone().map(|place| self.address_of(place)).collect();
        let epoch = self.log.position();
        let nothing = || addresses.iter().map(|_| None).collect();
        let Ok((found, server)) = self.get_many(&addresses).await else { return nothing() };
        let unpack = |(place, value): (_, &Value)| match value {
            Value::BulkString(bytes) => self.unpack(place, Some(bytes)),
            _ => self.unpack(place, None),
        };
        let mut all: Vec<_> = places.clone().zip(&found).map(unpack).collect();
        let Some(judge) = self.judge(server) else { return nothing() };
        let (mut hits, mut stale) = (0, 0);
        for (place, unpacked) in places.zip(&mut all) {
            let Some(unpacked) = unpacked else { continue };
            unpacked.judgement = judge.judge(unpacked.mark(), place.scopes);
            *if unpacked.judgement == Judgement::Current { &mut hits } else { &mut stale } += 1;
        }
        drop(judge);
        self.count(hits, stale);
        all.into_iter().map(|unpacked| self.judged(unpacked?, epoch)).collect()
    }

    /// Stores a value in the background, and gives back the lease under which it was loaded.
    pub(crate) fn keep<V>(&self, place: &Place<'_, V>, kept: &Kept<'_, V>, lease: Option<Lease>) {
        let commands: Vec<_> = self.pack(place, kept).into_iter().chain(lease.and_then(Lease::give_back)).collect();
        if !commands.is_empty() {
            self.store(commands);
        }
    }

    /// Stores several values in the background.
    pub(crate) fn keep_many<'a, V: 'a>(&self, values: impl Iterator<Item = (Place<'a, V>, Kept<'a, V>)>) {
        let commands: Vec<_> = values.filter_map(|(place, kept)| self.pack(&place, &kept)).collect();
        if !commands.is_empty() {
            self.store(commands);
        }
    }

    pub(super) fn address<V>(&self, place: &Place<'_, V>) -> String {
        self.address_of(place).text()
    }

    fn address_of<'a, V>(&'a self, place: &Place<'a, V>) -> Address<'a> {
        Address([&self.hub.settings.prefix, place.key, &place.seat.types(&place.wire).suffix])
    }

    /// The value in these bytes, if it is one of this place.
    fn unpack<V>(&self, place: &Place<'_, V>, bytes: Option<&[u8]>) -> Option<Unpacked<V>> {
        let counts = &self.hub.counts;
        let Some(bytes) = bytes else {
            counts.absent.add();
            return None;
        };
        let Some((header, value)) = decode(place, bytes, self.hub.settings.max_value_bytes) else {
            counts.unreadable.add();
            return None;
        };
        Some(Unpacked { header, value, judgement: Judgement::Invalidated })
    }

    fn count(&self, hits: usize, stale: usize) {
        let counts = &self.hub.counts;
        counts.hits.add_many(hits);
        if stale > 0 {
            counts.stale.add_many(stale);
        }
    }

    /// A value that may be served, as old as the question that `epoch` was read before.
    fn judged<V>(&self, Unpacked { header, value, judgement }: Unpacked<V>, epoch: Epoch) -> Option<Fetched<V>> {
        let load_time = u64::from(header.load_micros) * 1_000;
        (judgement != Judgement::Invalidated).then(|| Fetched {
            is_refreshed: judgement == Judgement::Expired,
            value,
            expires: self.hub.local_nanos(header.fresh_until_millis),
            load_time,
            ended: self.hub.local_nanos(header.began_micros / 1_000).saturating_add(load_time),
            epoch,
        })
    }

    /// Removes in the background what a newer load has shown to be old, and which has nothing to be stored in its place.
    pub(crate) fn remove<V>(&self, place: &Place<'_, V>, mark: Mark, began: u64, lease: Option<Lease>) {
        let kept = Kept { value: None, mark, began, expires: 0, load_time: 0, beyond: Duration::ZERO };
        let command = self.ordered(place, &kept, 0);
        self.store(command.into_iter().chain(lease.and_then(Lease::give_back)).collect());
    }

    /// The command that stores a value.
    fn pack<V>(&self, place: &Place<'_, V>, kept: &Kept<'_, V>) -> Option<(String, Cmd)> {
        let keep = kept.expires.saturating_sub(self.hub.clock.now()).saturating_add(nanos(kept.beyond)) / 1_000_000;
        self.ordered(place, kept, keep.max(1))
    }

    /// The command that puts this in place of what is older, for so many milliseconds; for zero, nothing.
    fn ordered<V>(&self, place: &Place<'_, V>, kept: &Kept<'_, V>, keep_millis: u64) -> Option<(String, Cmd)> {
        with_buffer(|bytes| {
            self.seal(place, kept, bytes)?;
            let (address, now) = (self.address(place), self.hub.server_micros(self.hub.clock.now()));
            let command = order::store(&address, bytes, keep_millis, now);
            Some((address, command))
        })
    }

    /// Puts a value into its envelope, in the first form that gives it back.
    fn seal<V>(&self, place: &Place<'_, V>, kept: &Kept<'_, V>, bytes: &mut Vec<u8>) -> Option<()> {
        let (formats, settings, types) = (&place.wire.formats, &self.hub.settings, place.seat.types(&place.wire));
        let asked = place.codec.unwrap_or(settings.codec);
        let (mut attempt, mut why) = (place.seat.codec.attempt(asked, types.is_settled), None);
        loop {
            let header = Header {
                codec: attempt.form().codec(),
                absent: kept.value.is_none(),
                fingerprint: types.fingerprint,
                incarnation: kept.mark.incarnation,
                epoch: kept.mark.id,
                fresh_until_millis: self.hub.server_millis(kept.expires),
                load_micros: u32::try_from(kept.load_time / 1_000).unwrap_or(u32::MAX),
                began_micros: self.hub.server_micros(kept.began),
            };
            bytes.clear();
            let sealed = envelope::seal(&header, place.key, settings.limits(), bytes, |bytes| match kept.value {
                Some(value) => attempt.encode(formats, value, bytes),
                None => Ok(()),
            });
            match (sealed, attempt.next()) {
                (Ok(()), _) if kept.value.is_none() => return Some(()),
                (Ok(()), _) => {
                    place.seat.codec.stored(attempt, (formats.type_name)(), why.as_ref());
                    return Some(());
                }
                (Err(Unsealed::Payload(unfit)), Some(next)) => (attempt, why) = (next, why.or(Some(unfit))),
                (Err(Unsealed::Payload(unfit)), None) => {
                    self.hub.cannot_encode((formats.type_name)(), &why.unwrap_or(unfit));
                    return None;
                }
                (Err(Unsealed::TooLarge), _) => {
                    self.hub.counts.too_large.add();
                    return None;
                }
            }
        }
    }
}

fn decode<V>(place: &Place<'_, V>, bytes: &[u8], max_bytes: usize) -> Option<(Header, Option<V>)> {
    let (header, payload) = envelope::open(bytes, place.key, place.seat.fingerprint(&place.wire), max_bytes).ok()?;
    if header.absent {
        return Some((header, None));
    }
    let value = place.wire.formats.decode(&payload, header.codec).ok()?;
    Some((header, Some(value)))
}
