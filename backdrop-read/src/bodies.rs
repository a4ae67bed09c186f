//! The bodies of answers: at hand, or made by asking and writing down what was found. Knows nothing of HTTP.

use crate::answers::{Address, Answered, Answers, Engine};
use crate::cache::{AnswerCache, Landed, Stored};
use crate::fault;
use crate::format::{Renderer, Warning};
use crate::frames::Checked;
use crate::identity::{Identity, Tag};
use crate::metrics::Metrics;
use backdrop_core::error::ApiError;
use backdrop_core::query::{Format, Query};
use backdrop_postgres::{KnownDataSet, StoreError};
use std::sync::Arc;

const WARNING: Warning =
    "Warning: This data-set is unpublished. Data may be subject to change or be inaccurate.";

/// A query about a data set, and the form of its answer.
#[derive(Debug)]
pub struct Question {
    /// The data set, as it was configured when the question was read.
    pub known: Arc<KnownDataSet>,
    /// What is asked.
    pub query: Query,
    /// The form of the answer.
    pub format: Format,
    /// What the tags of its answers are made of.
    pub identity: Identity,
}

impl Question {
    /// A query that the data set allows.
    pub fn new(known: Arc<KnownDataSet>, query: Query, format: Format) -> Self {
        let identity = Identity::of(&known.data_set, &query, format);
        Self { known, query, format, identity }
    }
}

/// Gives bodies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bodies {
    answers: Arc<Answers>,
    renderer: Arc<Renderer>,
    cache: Arc<AnswerCache>,
}

impl Bodies {
    /// Made from those answers, and kept in that cache.
    pub fn new(answers: Answers, cache: Arc<AnswerCache>) -> Self {
        Self { answers: Arc::new(answers), renderer: Arc::default(), cache }
    }

    /// What is counted of answers.
    pub fn metrics(&self) -> &Metrics {
        self.answers.metrics()
    }

    /// The data set at an address; see [`Answers::find`].
    ///
    /// # Errors
    /// If it is not known and the store cannot be asked.
    pub async fn find(&self, address: Address<'_>) -> Result<Option<Arc<KnownDataSet>>, StoreError> {
        self.answers.find(address).await
    }

    /// The answer from the state that was just found the data set in, or from a newer one, and where it came from. The
    /// tag is that of the former.
    ///
    /// # Errors
    /// If the question has no answer, or the store fails.
    pub async fn answer(
        &self,
        question: &Arc<Question>,
        checked: Checked,
        tag: Tag,
    ) -> Result<(Arc<Stored>, Engine), ApiError> {
        let (stored, engine) = match self.cache.get(&tag) {
            Some(stored) => (stored, Engine::Cache),
            // In a box, so that it is no burden to those who have no need of it.
            None => Box::pin(self.share(question, checked, tag)).await?,
        };
        self.metrics().answered(engine);
        Ok((stored, engine))
    }

    async fn share(
        &self,
        question: &Arc<Question>,
        checked: Checked,
        tag: Tag,
    ) -> Result<(Arc<Stored>, Engine), ApiError> {
        let make = || {
            let (bodies, question) = (self.clone(), Arc::clone(question));
            async move { bodies.make(&question, checked).await }
        };
        Ok(match self.cache.share(tag, make).await? {
            Landed::Made(stored) => {
                let engine = stored.engine;
                (stored, engine)
            }
            Landed::Shared(stored) => (stored, Engine::Cache),
        })
    }

    async fn make(&self, question: &Question, checked: Checked) -> Result<Stored, ApiError> {
        let Question { known, query, format, identity } = question;
        let data_set = &known.data_set;
        let turn = self.renderer.turn(*format).await?;
        let found = self.answers.answer(data_set, query, checked).await.map_err(fault::of_query)?;
        // Not the one that was asked for: the data set may have changed since.
        let tag = identity.tag(found.version);
        let Answered { material, next, engine } = found.found;
        let warning = (!data_set.settings.published).then_some(WARNING);
        let body = self.renderer.render(turn, material, warning).await?;
        Ok(Stored { tag, body: body.into(), next, engine })
    }
}
