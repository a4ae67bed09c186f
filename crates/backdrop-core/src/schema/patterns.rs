//! What matching the regular expressions of a schema can cost at most, found out before any of them is matched.
//!
//! Matching goes over a text once, but where an expression can stand at many places of itself at a time, each byte is
//! tried at all of them: `(?:a|b)*a(?:a|b){3000}c` takes 40 µs for each byte. Its size does not tell, for
//! `^[\s\S]{1,1000}$` is larger and takes none. So the automaton that stands at one place at a time is built, and thrown
//! away: if it is small, matching costs a step for each byte. If it is not, the expression itself must be small.

use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use std::collections::BTreeSet;

/// The largest expression, in bytes of its automaton: `^[\s\S]{1,1000}$` takes 290,000.
const NFA_BYTES_MAX: usize = 512 * 1024;
/// The largest automaton that stands at one place at a time, in bytes: `^\S{1,255}$` takes 1,100,000. Building one of
/// this size takes some hundredths of a second.
const DFA_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How many places the expressions with no such automaton may have together. Each costs 12 ns for each byte of a text,
/// all of them less than 20 s for a batch of 10 MiB that is one text.
const SLOW_PLACES_MAX: usize = 128;
/// How much of an expression is repeated in a message, in characters.
const SHOWN_CHARACTERS_MAX: usize = 100;

/// Checks that all of them can be matched quickly against any text.
pub(super) fn check(patterns: &BTreeSet<&str>) -> Result<(), String> {
    let mut slow_places = 0;
    for pattern in patterns {
        slow_places += places_if_slow(pattern).map_err(|reason| {
            let shown: String = pattern.chars().take(SHOWN_CHARACTERS_MAX).collect();
            format!("the pattern {shown:?} {reason}")
        })?;
        if slow_places > SLOW_PLACES_MAX {
            let shown: String = pattern.chars().take(SHOWN_CHARACTERS_MAX).collect();
            return Err(format!(
                "the pattern {shown:?} is too large, or with the patterns before it: matching it would take too \
                 long; use shorter repetitions, or begin it with ^"
            ));
        }
    }
    Ok(())
}

/// How many places a text is to be tried at, if it cannot be at one at a time; otherwise 0.
fn places_if_slow(pattern: &str) -> Result<usize, &'static str> {
    // As it is translated when the schema is compiled.
    let translated = jsonschema_regex::to_rust_regex(pattern).map_err(|()| why_unreadable(pattern))?;
    let config =
        thompson::Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(NFA_BYTES_MAX));
    let nfa: NFA =
        thompson::Compiler::new().configure(config).build(&translated).map_err(|error| {
            match error.size_limit() {
                Some(_) => "is too large; use shorter repetitions",
                None => why_unreadable(pattern),
            }
        })?;
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .dfa_size_limit(Some(DFA_BYTES_MAX))
        .determinize_size_limit(Some(DFA_BYTES_MAX));
    match dense::Builder::new().configure(config).build_from_nfa(&nfa) {
        Ok(_) => Ok(0),
        Err(_) => Ok(nfa.states().len()),
    }
}

fn why_unreadable(pattern: &str) -> &'static str {
    if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| pattern.contains(look)) {
        "uses look-around, which is not taken"
    } else {
        "is not a regular expression, or uses back-references, which are not taken"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_patterns_are_taken() {
        let patterns = [
            "^.{0,255}$",
            r"^\S{1,255}$",
            r"^[\s\S]{1,1000}$",
            r"^[a-z0-9-]{1,512}$",
            r"^[^\s].{0,98}[^\s]$",
            r"^(?:\S+ ){0,50}\S+$",
            r"\b\w{3,20}\b",
            r"^[A-Z]{1,2}[0-9R][0-9A-Z]? ?[0-9][A-Z]{2}$",
        ];
        assert_eq!(check(&BTreeSet::from(patterns)), Ok(()));
    }

    #[test]
    fn patterns_that_stand_at_many_places_at_a_time_are_refused() {
        for pattern in ["(?:a|b)*a(?:a|b){3000}c", "(?:a|b)*a(?:a|b){300}c", "a.{200}c", r"\p{L}{1,20}x.{20}"]
        {
            let reason = check(&BTreeSet::from([pattern])).expect_err(pattern);
            assert!(reason.contains("too large"), "{pattern}: {reason}");
        }
        let small = ["(a|b)*a(a|b){60}c", "(a|b)*a(a|b){60}d", "(a|b)*a(a|b){60}e"];
        assert_eq!(check(&BTreeSet::from([small[0]])), Ok(()));
        assert!(check(&BTreeSet::from(small)).is_err(), "all of them together are slow");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (pattern, named) in [
            ("(?<=a)b", "look-around"),
            ("^(?!a)", "look-around"),
            (r"(a)\1", "back-references"),
            ("(", "not a regular expression"),
            ("(?:(?:a{1,100}){1,100}){1,100}", "too large"),
        ] {
            let reason = check(&BTreeSet::from([pattern])).expect_err(pattern);
            assert!(reason.contains(named) && reason.contains("the pattern"), "{pattern}: {reason}");
        }
    }
}
