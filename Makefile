# The commands of this repository. `make run` and `make test` need nothing before them but Rust: they install
# what else is missing (as root or by sudo) and work on private servers of their own.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test faults bench check

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 12

run: ## Run all of Backdrop on this machine, with example data; Ctrl-C stops it
	@scripts/install-dependencies run
	@echo "Building (the first time takes some minutes)"
	@cargo run --package backdrop-cli -- up --examples

# Everything is built at once: programs alone would be built with other features of their dependencies, and
# then once more for the tests. With nextest, if it is installed, the tests of all crates run side by side.
# `with-services` starts the Postgres that they share.
test: ## Run every test, on private servers
	@scripts/install-dependencies test
	cargo build --workspace --all-targets
	@if cargo nextest --version >/dev/null 2>&1; then tests='nextest run'; else tests='test --lib --bins --tests'; fi; \
	set -x; $${CARGO_TARGET_DIR:-target}/debug/with-services -- cargo $$tests --workspace --no-fail-fast
	cargo test --workspace --doc --quiet

faults: ## Inject every fault into the running services, and print what was lost (more than an hour)
	@scripts/install-dependencies test
	cargo build --workspace --bins
	@$${CARGO_TARGET_DIR:-target}/debug/with-services -- $${CARGO_TARGET_DIR:-target}/debug/faults $(FAULTS)

bench: ## Measure how fast everything is, beside what this machine can do at best (eight minutes)
	@scripts/install-dependencies test
	cargo build --workspace --release --bin backdrop-read --bin backdrop-write --bin backdrop-worker --bin bench
	@$${CARGO_TARGET_DIR:-target}/release/bench $(BENCH)

# Licences and advisories are checked by a tool that takes minutes to build: the public
# workflow (.github/workflows/ci.yml) runs it. The documentation is for those who work on the
# code: private items are in it, and may be linked to.
check: ## Check format, lints, documentation and spelling
	@scripts/install-dependencies check
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' cargo doc --workspace --no-deps --document-private-items
	git ls-files -z --cached --others --exclude-standard | xargs -0 codespell
