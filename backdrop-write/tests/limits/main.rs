//! What the ingest service does when it is short of something: of workers, Redis, Postgres, memory or time.

mod backlog;
mod bodies;
mod outages;
mod security;
mod startup;
mod stopping;
mod together;
mod wire;
