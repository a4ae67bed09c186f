//! What a reader keeps of a data set: the tag of an answer, and where the next page is.

use crate::path;
use backdrop_testing::{Answer, Stack};
use serde_json::{Value, json};

/// A page with its tag and the address of the next one.
pub(crate) struct Remembered {
    data_type: &'static str,
    tag: String,
    next: String,
}

impl Remembered {
    /// Reads a first page.
    pub(crate) fn of(stack: &Stack, data_type: &'static str) -> Self {
        let page = stack.reader().get(&Self::first(data_type)).expect(200);
        assert_eq!(page.json()["data"].as_array().map(Vec::len), Some(10));
        let tag = page.header("etag").expect("a tag").to_owned();
        let link = page.header("link").expect("a next page");
        let (address, _) = link.trim_start_matches('<').split_once('>').expect("an address");
        let query = address.split_once('?').expect("a query").1;
        Self { data_type, tag, next: format!("{}?{query}", path(data_type)) }
    }

    fn first(data_type: &str) -> String {
        format!("{}?sort_by=_id:ascending&limit=10", path(data_type))
    }

    /// The first page for one who has it already, the page after it, and both for one who has neither.
    fn ask(&self, stack: &Stack) -> [Answer; 4] {
        let (fresh, knowing) = (stack.reader(), stack.reader().with_header("If-None-Match", &self.tag));
        let first = Self::first(self.data_type);
        [fresh.get(&first), knowing.get(&first), fresh.get(&self.next), knowing.get(&self.next)]
    }

    /// Nobody is shown a record, nor told that nothing has changed.
    #[track_caller]
    pub(crate) fn shows_nothing(&self, stack: &Stack) {
        for answer in self.ask(stack) {
            assert_eq!(answer.expect(200).json(), json!({"data": []}));
        }
    }

    /// There is one record now, which comes before the page that is remembered.
    #[track_caller]
    pub(crate) fn shows_only(&self, stack: &Stack, id: &str) {
        let ids = |answer: Answer| -> Vec<Value> {
            let rows = answer.expect(200).json()["data"].take();
            rows.as_array().expect("rows").iter().map(|row| row["_id"].clone()).collect()
        };
        let [fresh, knowing, next, next_knowing] = self.ask(stack);
        assert_eq!((ids(fresh), ids(knowing)), (vec![json!(id)], vec![json!(id)]));
        assert_eq!((ids(next), ids(next_knowing)), (Vec::new(), Vec::new()));
    }

    /// Whoever remembers is told all anew.
    #[track_caller]
    pub(crate) fn is_not_taken_for_unchanged(&self, stack: &Stack) {
        for answer in self.ask(stack) {
            answer.expect(200);
        }
    }
}
