//! Values in the tier: addresses, envelopes, and judgement.

use super::api::{FetchedEntry, NewEntry, ScopesOf, SharedEpoch, ValueKey};
use super::confirm::{Confirmation, StoreCommand, UNCONFIRMED};
use super::order;
use super::reads::ValueAddress;
use super::tier::{RedisTier, TierJudge};
use crate::clock::nanos;
use crate::codec::envelope::{self, Header, Names, Opened, Settings, Unsealed};
use crate::codec::unreadable::Unreadable;
use crate::codec::value_codec::with_buffer;
use crate::log::{Epoch, Judgement};

/// A value that was read, with its envelope's header.
pub(super) struct Unpacked<V> {
    pub(super) header: Header,
    pub(super) value: Option<V>,
    /// The scopes that only the value knows; `None` if its reader could not find them.
    pub(super) tags: Option<Vec<u64>>,
    pub(super) judgement: Judgement,
}

impl<V> Unpacked<V> {
    pub(super) fn epoch(&self) -> SharedEpoch {
        SharedEpoch { incarnation: self.header.incarnation, id: self.header.epoch }
    }

    /// Judges the value by the scopes of its key and by its own.
    pub(super) fn judged_by(&self, judge: &TierJudge<'_>, scopes: &[u64]) -> Judgement {
        let Some(tags) = &self.tags else { return Judgement::Invalidated };
        let judgement = judge.judge(self.epoch(), scopes);
        if tags.is_empty() { judgement } else { judgement.min(judge.judge(self.epoch(), tags)) }
    }
}

impl RedisTier {
    pub(super) fn address<V>(&self, key: &ValueKey<'_, V>) -> String {
        self.address_of(key).text()
    }

    pub(super) fn address_of<'a, V>(&'a self, key: &ValueKey<'a, V>) -> ValueAddress<'a> {
        let (settings, types) = (&self.context.settings, key.encoding.types(&key.wire));
        match (key.scopes.first(), &settings.keyring) {
            (Some(&hash), _) if key.erase => {
                ValueAddress::Erasable(&settings.prefix, self.context.erasures.name(hash, types.fingerprint))
            }
            (_, Some(keyring)) => ValueAddress::Digest(&settings.prefix, keyring.name(key.key), &types.suffix),
            (_, None) => ValueAddress::Key([&settings.prefix, key.key, &types.suffix]),
        }
    }

    /// Decodes the value in these bytes, if it is one of this key.
    pub(super) fn unpack<V>(
        &self,
        key: &ValueKey<'_, V>,
        bytes: Option<&[u8]>,
        scopes_of: ScopesOf<'_, V>,
    ) -> Option<Unpacked<V>> {
        let telemetry = &self.context.telemetry;
        let Some(bytes) = bytes else {
            telemetry.counts.absent.add();
            return None;
        };
        let decoded = decode(key, bytes, self.context.settings.envelopes());
        let (header, stored, value) = decoded.map_err(|why| telemetry.unreadable(why)).ok()?;
        let tags = value.as_ref().map_or_else(|| Some(Vec::new()), scopes_of);
        let tags = tags.map(|stated| union(stated, stored));
        Some(Unpacked { header, value, tags, judgement: Judgement::Invalidated })
    }

    pub(super) fn count(&self, hits: usize, stale: usize) {
        let counts = &self.context.telemetry.counts;
        counts.hits.add_many(hits);
        if stale > 0 {
            counts.stale.add_many(stale);
        }
    }

    /// Returns a value that may be served. `epoch` was read before the command was sent, and so counts as the start of the local entry.
    pub(super) fn judged<V>(
        &self,
        Unpacked { header, value, tags, judgement }: Unpacked<V>,
        epoch: Epoch,
    ) -> Option<FetchedEntry<V>> {
        let load_time = u64::from(header.load_micros) * 1_000;
        (judgement != Judgement::Invalidated).then(|| FetchedEntry {
            is_refreshed: judgement == Judgement::Expired,
            value,
            expires: self.context.local_nanos(header.fresh_until_millis),
            load_time,
            tags: tags.unwrap_or_default(),
            ended: self.context.signed_nanos(header.began_micros / 1_000).saturating_add_unsigned(load_time),
            epoch,
        })
    }

    /// Makes the command that stores a value.
    pub(super) fn pack<V>(&self, key: &ValueKey<'_, V>, entry: &NewEntry<'_, V>) -> Option<StoreCommand> {
        let ttl = match entry.expires {
            u64::MAX => nanos(self.context.settings.longest_ttl()),
            expires => expires.saturating_sub(self.context.clock.now()).saturating_add(nanos(entry.beyond)),
        };
        if key.erase && ttl > nanos(UNCONFIRMED) {
            self.ordered(key, entry, nanos(UNCONFIRMED), Some(self.context.clock.now().saturating_add(ttl)))
        } else {
            self.ordered(key, entry, ttl.max(1_000_000), None)
        }
    }

    /// Makes the command that replaces an older value for `ttl` nanoseconds, or removes it if that is zero. With `until`, the value is to be
    /// confirmed, and to live until then.
    pub(super) fn ordered<V>(
        &self,
        key: &ValueKey<'_, V>,
        entry: &NewEntry<'_, V>,
        ttl: u64,
        until: Option<u64>,
    ) -> Option<StoreCommand> {
        with_buffer(|bytes| {
            self.seal(key, entry, bytes)?;
            let (address, now) = (self.address(key), self.context.server_micros(self.context.clock.now()));
            let flag = if key.erase { self.context.erasures.flag() } else { None };
            let command = order::store(&address, flag, bytes, ttl / 1_000_000, now);
            let confirmation = until.zip(bytes.first_chunk()).map(|(until, header)| Confirmation {
                epoch: entry.epoch,
                scopes: key.scopes.into(),
                header: *header,
                until,
            });
            Some(StoreCommand { address, command, is_store: ttl > 0, confirmation })
        })
    }

    /// Puts a value into its envelope, in the first form from which it decodes unchanged.
    fn seal<V>(&self, key: &ValueKey<'_, V>, entry: &NewEntry<'_, V>, bytes: &mut Vec<u8>) -> Option<()> {
        let (value_codec, settings, types) = (&key.wire.codec, &self.context.settings, key.encoding.types(&key.wire));
        let asked = key.codec.unwrap_or(settings.codec);
        let (mut attempt, mut why) = (key.encoding.codec.attempt(asked, types.is_settled), None);
        loop {
            let header = Header {
                codec: attempt.form().codec(),
                absent: entry.value.is_none(),
                fingerprint: types.fingerprint,
                incarnation: entry.epoch.incarnation,
                epoch: entry.epoch.id,
                fresh_until_millis: self.context.server_millis(entry.expires),
                load_micros: u32::try_from(entry.load_time / 1_000).unwrap_or(u32::MAX),
                began_micros: self.context.server_micros(entry.began),
            };
            bytes.clear();
            let names = Names { key: key.key, tags: entry.tags };
            let sealed = envelope::seal(&header, names, settings.envelopes(), bytes, |bytes| match entry.value {
                Some(value) => attempt.encode(value_codec, value, bytes),
                None => Ok(()),
            });
            match (sealed, attempt.next()) {
                (Ok(()), _) if entry.value.is_none() => return Some(()),
                (Ok(()), _) => {
                    key.encoding.codec.stored(attempt, (value_codec.type_name)(), why.as_ref());
                    return Some(());
                }
                (Err(Unsealed::Payload(unfit)), Some(next)) => (attempt, why) = (next, why.or(Some(unfit))),
                (Err(Unsealed::Payload(unfit)), None) => {
                    self.context.telemetry.cannot_encode((value_codec.type_name)(), &why.unwrap_or(unfit));
                    return None;
                }
                (Err(Unsealed::TooLarge), _) => {
                    self.context.telemetry.counts.too_large.add();
                    return None;
                }
                (Err(Unsealed::NotEncrypted), _) => {
                    self.context.telemetry.counts.unencodable.add();
                    return None;
                }
            }
        }
    }
}

/// Joins the tags that the reader found in a value and those that its writer stored with it, each once: mostly they are the same.
fn union(mut stated: Vec<u64>, mut stored: Vec<u64>) -> Vec<u64> {
    stated.append(&mut stored);
    stated.sort_unstable();
    stated.dedup();
    stated
}

/// The header of a value, the tags that are stored beside it, and the value unless it is an absence.
type Decoded<V> = (Header, Vec<u64>, Option<V>);

fn decode<V>(key: &ValueKey<'_, V>, bytes: &[u8], settings: Settings<'_>) -> Result<Decoded<V>, Unreadable> {
    let Opened { header, tags, payload } =
        envelope::open(bytes, key.key, key.encoding.types(&key.wire).fingerprint, settings)?;
    if header.absent {
        return Ok((header, tags, None));
    }
    let value = key.wire.codec.decode(&payload, header.codec).map_err(|_| Unreadable::Damaged)?;
    Ok((header, tags, Some(value)))
}

#[cfg(test)]
mod tests {
    use super::union;

    #[test]
    fn a_tag_that_writer_and_reader_know_counts_once() {
        assert_eq!(union(vec![7, 3], vec![3, 7]), [3, 7]);
        assert_eq!(union(vec![7, 7, 1], vec![9]), [1, 7, 9]);
        assert_eq!(union(vec![], vec![5]), [5]);
    }
}
