//! The script that appends: what Redis is asked, and what it answers.

use super::flight::Entry;
use crate::keys;
use crate::primary::script_that_knows_replicas;
use backdrop_core::log::{EntryId, Partition};
use redis::aio::ConnectionLike;
use redis::{Arg, Cmd, ErrorKind, RedisError, Script, ServerErrorKind};

/// Appends one entry after the other, unless the log was not opened for this life of this server or has forgotten what
/// it acknowledged in it (a server that followed another one for a while lives on with its memory). An entry that the
/// log has no room for is passed over.
///
/// KEYS: log, marker. ARGV: epoch, run id, highest n acknowledged in the epoch, bound in bytes, then envelope and
/// records of each entry. Answers with the id of each entry, or `full`; or with `fenced` alone. Entries without an
/// answer were not appended.
const APPEND: &str = r"
local marker = redis.call('HMGET', KEYS[2], 'epoch', 'run_id', 'appended', 'applied', 'n')
if marker[1] ~= ARGV[1] or marker[2] ~= ARGV[2] or tonumber(marker[5] or '-1') < tonumber(ARGV[3]) then
    return {'fenced'}
end
local appended, n = tonumber(marker[3] or '0'), tonumber(marker[5])
local bound = tonumber(marker[4] or '0') + tonumber(ARGV[4])
local time = redis.call('TIME')
local accepted_at = time[1] .. string.format('%06d', time[2])
-- %.0f: numbers in Lua are floats, whole up to 2^53, and would else be printed with an exponent.
local function add(place, total, i)
    return redis.pcall('XADD', KEYS[1], ARGV[1] .. '-' .. place,
        'accepted_at', accepted_at, 'appended', string.format('%.0f', total),
        'envelope', ARGV[i], 'records', ARGV[i + 1])
end
local answers, added = {}, false
for i = 5, #ARGV, 2 do
    local answer, total = 'full', appended + #ARGV[i] + #ARGV[i + 1]
    if total <= bound then
        -- Counted here too, so that a log that was removed behind our back goes on after what it held, and the
        -- hole is seen. Redis gives the first of an epoch, and one after an entry that somebody added by hand.
        answer = n and add(string.format('%.0f', n + 1), total, i)
        if type(answer) ~= 'string' then answer = add('*', total, i) end
        if type(answer) ~= 'string' then
            -- What was added before stays, and is counted.
            if added then break end
            return answer
        end
        appended, n, added = total, tonumber(string.match(answer, '%d+$')), true
    end
    answers[#answers + 1] = answer
end
if added then
    redis.call('HSET', KEYS[2], 'appended', string.format('%.0f', appended), 'n', string.format('%.0f', n))
elseif is_replica() then
    -- What a replica holds may stay as it is for ever.
    return refused()
end
return answers
";

/// How many arguments stand before the first entry: the command, the hash, the number of keys, the keys, the fence.
const ARGUMENTS_BEFORE: usize = 9;
/// Room for those, so that the command need not grow.
const SHORT_ARGUMENTS_BYTES: usize = 512;

/// What became of an entry that Redis has judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted(EntryId),
    Full,
}

/// What became of a call.
pub(super) enum Answered {
    /// The verdicts over its first entries; the others were not appended.
    Judged(Vec<Verdict>),
    /// Nothing was appended: the log is not open as the caller believes.
    Fenced,
}

/// Under which conditions entries may be appended.
pub(super) struct Fence<'f> {
    pub(super) epoch: u64,
    pub(super) run_id: &'f str,
    /// The highest n this process was given in the epoch.
    pub(super) acknowledged: Option<u64>,
    pub(super) bytes_max: u64,
}

/// The script, prepared once.
pub(super) fn prepared() -> Script {
    script_that_knows_replicas(APPEND)
}

/// Entries on their way: a batch may have ten megabytes, so they are kept in the command alone.
pub(super) struct Call<'s> {
    script: &'s Script,
    command: Cmd,
}

impl<'s> Call<'s> {
    pub(super) fn new(
        script: &'s Script,
        partition: Partition,
        fence: &Fence<'_>,
        entries: Vec<Entry>,
    ) -> Self {
        let bytes = entries.iter().map(Entry::bytes).sum::<usize>();
        let arguments = ARGUMENTS_BEFORE + entries.len() * 2;
        let mut command = Cmd::with_capacity(arguments, bytes + SHORT_ARGUMENTS_BYTES);
        command.arg("EVALSHA").arg(script.get_hash()).arg(2);
        command.arg(keys::log(partition)).arg(keys::marker(partition));
        command.arg(fence.epoch).arg(fence.run_id);
        command.arg(fence.acknowledged.map_or_else(|| "-1".to_owned(), |n| n.to_string()));
        command.arg(fence.bytes_max);
        for Entry { envelope, records } in entries {
            command.arg(envelope).arg(records);
        }
        Self { script, command }
    }

    /// Sends it.
    pub(super) async fn send(&self, connection: &mut impl ConnectionLike) -> Result<Answered, RedisError> {
        let mut result = self.command.query_async(connection).await;
        if is_unknown_script(&result)
            && let Ok(_hash) = self.script.load_async(connection).await
        {
            result = self.command.query_async(connection).await;
        }
        let answers: Vec<String> = result?;
        if answers.first().is_some_and(|answer| answer == "fenced") {
            return Ok(Answered::Fenced);
        }
        let verdicts = answers.iter().map(|answer| read_verdict(answer));
        verdicts.collect::<Result<_, _>>().map(Answered::Judged)
    }

    /// The entries, to be sent once more.
    pub(super) fn into_entries(self) -> Vec<Entry> {
        let texts: Vec<String> = self.command.args_iter().skip(ARGUMENTS_BEFORE).map(text_of).collect();
        let mut texts = texts.into_iter();
        std::iter::from_fn(|| Some(Entry { envelope: texts.next()?, records: texts.next()? })).collect()
    }
}

fn text_of(argument: Arg<&[u8]>) -> String {
    match argument {
        Arg::Simple(text) => {
            String::from_utf8(text.to_vec()).expect("it was a text when it became an argument")
        }
        _ => unreachable!("nothing here iterates with a cursor"),
    }
}

fn read_verdict(answer: &str) -> Result<Verdict, RedisError> {
    let what = (ErrorKind::UnexpectedReturnType, "the id of an entry cannot be read");
    match answer {
        "full" => Ok(Verdict::Full),
        id => id.parse().map(Verdict::Accepted).map_err(|_| RedisError::from(what)),
    }
}

/// Whether the server does not know the script yet, and so did nothing.
fn is_unknown_script(result: &Result<Vec<String>, RedisError>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_can_be_sent_again() {
        let entry = |name: &str| Entry { envelope: format!("{{{name}}}"), records: format!("[{name}]") };
        let script = prepared();
        let fence = Fence { epoch: 3, run_id: "a", acknowledged: None, bytes_max: 9 };
        let call = Call::new(&script, Partition(7), &fence, vec![entry("a"), entry("b")]);
        assert_eq!(call.into_entries(), [entry("a"), entry("b")]);
    }

    #[test]
    fn verdicts_are_read() {
        let accepted = Verdict::Accepted(EntryId { epoch: 3, n: 12 });
        assert_eq!(read_verdict("3-12").ok(), Some(accepted));
        assert_eq!(read_verdict("full").ok(), Some(Verdict::Full));
        assert!(read_verdict("").is_err());
    }
}
