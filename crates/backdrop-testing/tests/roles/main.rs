//! The SQL roles that the migrations make. That each is enough for its service is shown by all other tests: the
//! services of every stack log in as members of them. Here: that none has more.

mod making;
mod rights;
