//! Asking: from a case to requests.

use crate::Engine;
use crate::file::{Case, ScenarioFile};
use crate::judge;
use backdrop_testing::{Answer, Client, Engines, Stack, ask_frame};
use serde_json::Value;

/// No case has as many pages: what hands out more goes round in circles.
const PAGES_MAX: usize = 20;

/// Asks the cases of one file, one after the other.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    stack: &'a Stack,
    file: &'a ScenarioFile,
    last_etag: Option<String>,
    engine: Engine,
    /// Which engines answered, if it is to be frames.
    pub(crate) engines: Engines,
}

impl<'a> Asking<'a> {
    pub(crate) const fn of(stack: &'a Stack, file: &'a ScenarioFile, engine: Engine) -> Self {
        let engines = Engines { frame: 0, absent: 0, busy: 0, unfit: 0, followed: 0 };
        Self { stack, file, last_etag: None, engine, engines }
    }

    /// What is wrong with the answer to a case; nothing if it is as expected.
    pub(crate) fn complaints(&mut self, case: &Case) -> Vec<String> {
        let data_type = self.file.data_type_of(case);
        self.file.post(self.stack, data_type, &case.post);
        let mut reader = self.stack.reader();
        for (name, value) in &case.send {
            reader = reader.with_header(name, value);
        }
        let path = case.path.clone().unwrap_or_else(|| self.file.path(data_type));
        let url = format!("{path}{}", query_string(case));
        let mut complaints = Vec::new();
        let mut conditional = reader.clone();
        if case.send_last_etag {
            match &self.last_etag {
                Some(etag) => conditional = reader.with_header("If-None-Match", etag),
                None => complaints.push("the case before was answered without an ETag".into()),
            }
        }
        if self.engine == Engine::Frames {
            // The first answers are those of the records.
            ask_frame(&reader, &url);
        }
        let before = self.counted();
        let method = case.method.as_deref().unwrap_or("GET");
        let answer = match conditional.send(method, &url, Vec::new()) {
            Ok(answer) => answer,
            Err(error) => return vec![format!("{method} {url}: {error}")],
        };
        self.engines = self.engines + self.counted().since(before);
        self.last_etag = answer.header("etag").map(ToOwned::to_owned);
        complaints.extend(judge::complaints(case, &answer));
        if let Some(pages) = &case.pages {
            let found = follow(&reader, answer);
            complaints.extend(judge::compare("pages", &Value::from_iter(pages.clone()), &found));
        }
        if !complaints.is_empty() {
            complaints.insert(0, format!("{method} {url}"));
        }
        complaints
    }
}

impl Asking<'_> {
    fn counted(&self) -> Engines {
        match self.engine {
            Engine::Records => Engines::default(),
            Engine::Frames => Engines::of(&self.stack.reader()),
        }
    }
}

/// The ids of the rows of a page and of all that follow it.
fn follow(reader: &Client, first: Answer) -> Value {
    let mut pages = Vec::new();
    let mut page = first;
    loop {
        pages.push(judge::ids(&judge::rows(&page)));
        let Some(url) = page.header("link").and_then(next_url).map(ToOwned::to_owned) else { break };
        if page.status != 200 || pages.len() == PAGES_MAX {
            break;
        }
        page = reader.get(&url);
    }
    Value::from(pages)
}

/// The path and query of the next page, from a header such as `</data/a/b?limit=2&cursor=x>; rel="next"`.
fn next_url(link: &str) -> Option<&str> {
    let link = link.split(", ").find(|link| link.contains("rel=\"next\""))?;
    let url = link.strip_prefix('<')?.split_once('>')?.0;
    // A relative reference may begin with the query; an absolute one has the host in front.
    Some(url.find("/data/").map_or(url, |start| &url[start..]))
}

fn query_string(case: &Case) -> String {
    if let Some(raw) = &case.raw_query {
        return format!("?{raw}");
    }
    let pairs: Vec<String> = case
        .query
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Percent-encodes what cannot stand in a URL, and leaves readable what can.
fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b',' | b'/' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}
