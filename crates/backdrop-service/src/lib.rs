//! What every Backdrop process shares: settings, telemetry, health, HTTP errors, listening and shutdown.
//!
//! Nothing here knows of Postgres or Redis: a service hands in what it depends on.

pub mod clock;
pub mod deprecation;
pub mod door;
pub mod error_response;
pub mod health;
pub mod listen;
pub mod parameters;
pub mod request;
pub mod routing;
pub mod serve;
pub mod settings;
pub mod telemetry;
pub mod urls;
