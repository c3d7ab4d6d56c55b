"""The parts that every app uses: errors, base views, transactions, idempotency, paging, the clock, the backend."""
