"""The mutations: what each does to the code, and the scenario that has most to say about it."""

from tests.simulation.mutation import Change, Mutation, one

SENDING, LIMITS = "services/publisher/sending", "services/publisher/limits"
EVIDENCE, TAKING, IN_DOUBT = f"{SENDING}/evidence.py", f"{SENDING}/taking.py", f"{SENDING}/in_doubt.py"
NOTHING_OUT, LOOP, GUARDS = f"{SENDING}/nothing_out.py", f"{SENDING}/loop.py", "services/publisher/statements.py"
ERRORS, JUDGING = "services/publisher/platforms/errors.py", "services/publisher/platforms/judging.py"
SETTLEMENT, OUTBOX = "shared/messaging/settlement.py", "shared/messaging/outbox.py"
UNIT = "shared/messaging/unit_of_work.py"

MUTATIONS: tuple[Mutation, ...] = (
    # what is known of an attempt
    one(
        "the lease of a sender is ignored",
        EVIDENCE,
        "Standing.ON_ITS_WAY if now < attempt.lease_until else Standing.IN_DOUBT",
        "Standing.IN_DOUBT",
        "broker",
    ),
    one(
        "an attempt whose sender died counts as nothing",
        EVIDENCE,
        "if now < attempt.lease_until else Standing.IN_DOUBT",
        "if now < attempt.lease_until else Standing.NOTHING_OUT",
        "crashes",
    ),
    one(
        "an unknown outcome counts as nothing",
        EVIDENCE,
        "case Evidence.UNKNOWN:\n            return Standing.IN_DOUBT",
        "case Evidence.UNKNOWN:\n            return Standing.NOTHING_OUT",
        "doubt",
    ),
    one(
        "a lost reply counts as not sent",
        ERRORS,
        "evidence = Evidence.UNKNOWN",
        "evidence = Evidence.NOT_SENT",
        "doubt",
    ),
    one(
        "an error of the server counts as a refusal",
        JUDGING,
        "return Unconfirmed(message, code=str(reply.status))",
        "return Transient(message, code=str(reply.status))",
        "networks",
    ),
    one(
        "attempts are not committed before they are sent",
        f"{LIMITS}/opening.py",
        "await unit.save_attempts(_latest([*known, *opened.values()]))",
        "await unit.save_attempts(_latest(known))",
        "crashes",
    ),
    # repeating and looking up
    one(
        "what no network recognises is repeated in doubt",
        IN_DOUBT,
        "return bool(doubtful) and now >= doubtful[0].start_at + case.certainty.deduplicates_for",
        "return False",
        "networks",
    ),
    one(
        "absence is proved while the request may be on its way",
        f"{SENDING}/case.py",
        "return self.doubtful(now)[-1].lease_until + self.certainty.look_up_lag",
        "return self.doubtful(now)[-1].start_at",
        "networks",
    ),
    # withdrawing
    one(
        "a doubt is taken back like nothing",
        "services/publisher/withdrawing.py",
        "if stands is Standing.IN_DOUBT:",
        "if False:",
        "doubt",
    ),
    one(
        "what is on its way is taken back at once",
        "services/publisher/withdrawing.py",
        "if stands is Standing.ON_ITS_WAY:",
        "if False:",
        "doubt",
    ),
    one(
        "a withdrawal is forgotten",
        "services/publisher/handlers.py",
        "if current and withdrawn.publication:\n                await unit.save([withdrawn.publication])",
        "if False:\n                pass",
        "crashes",
    ),
    Mutation(
        "edits neither wait for the publisher nor are taken back",
        (
            Change(
                "services/scheduler/decider.py",
                "return current.may_be_on_its_way and current.key not in self._taken_back",
                "return False",
            ),
            Change(
                "services/scheduler/learning.py",
                "        self._take_back_answers(known, told)\n",
                "",
            ),
        ),
        "doubt",
    ),
    # claims and starts
    one(
        "whoever lost its claim begins all the same",
        GUARDS,
        '_STILL_OURS = "publications.claim_token = given.claim_token"',
        '_STILL_OURS = "true"',
    ),
    one(
        "a closed account is not closed",
        GUARDS,
        '"AND accounts.closed_until > given.updated_at)"',
        '"AND false)"',
        "networks",
    ),
    one(
        "the latest instant of a start is ignored",
        LOOP,
        "if now is None or now > attempt.latest_at:",
        "if now is None:",
        "clocks",
    ),
    one(
        "nobody waits for the start",
        LOOP,
        "await self.clock.sleep_until(attempt.start_at)",
        "await self.clock.sleep_until(self.clock.now())",
    ),
    one(
        "a message is done with when the lease of another sender ends before its decision",
        f"{SENDING}/next_step.py",
        "if case.publication.state in AT_WORK and case.event.revision == case.publication.revision:",
        "if False:",
        "slow",
    ),
    # limits
    one(
        "the slack of a reservation is ignored",
        f"{LIMITS}/bucket.py",
        "self.latest.append(max(_milliseconds(latest_at - EPOCH),",
        "self.latest.append(max(_milliseconds(start_at - EPOCH),",
        "limits",
    ),
    one(
        "a start that is missed is used",
        f"{LIMITS}/starts.py",
        "if first and start.start_at <= now <= start.latest_at:",
        "if first:",
        "limits",
    ),
    one("reservations are not kept", f"{LIMITS}/opening.py", "await unit.save_reservations(kept)", "pass", "limits"),
    one(
        "the pace learns nothing of slow commits",
        f"{LIMITS}/pace.py",
        "self._commits.append(took)",
        "pass",
        "limits",
    ),
    # waiting and giving up
    one(
        "absence uses tries",
        ERRORS,
        "evidence = Evidence.NOT_SENT\n    uses_try = False",
        "evidence = Evidence.NOT_SENT\n    uses_try = True",
        "outage",
    ),
    one(
        "the late policy is ignored",
        NOTHING_OUT,
        "if case.error is None and now > deadline_of(case):",
        "if False:",
        "outage",
    ),
    one(
        "a refusal for good is tried again",
        NOTHING_OUT,
        "if isinstance(error, Rejected) or not case.has_tries:",
        "if False:",
        "networks",
    ),
    # telling
    one(
        "facts are relayed before they are committed",
        UNIT,
        "        yield unit\n    outbox.relay_soon(unit.emitted)",
        "        yield unit\n        outbox.relay_soon(unit.emitted)",
        "database",
    ),
    one(
        "what was not confirmed counts as sent",
        OUTBOX,
        "zip(envelopes, results, strict=True) if error is None]",
        "zip(envelopes, results, strict=True)]",
        "broker",
    ),
    one(
        "answers are not written to the outbox",
        UNIT,
        "await self.store.outbox.add(self.connection, envelopes)",
        "await self.store.outbox.add(self.connection, ())",
        "crashes",
    ),
    one(
        "messages are acknowledged before they are handled",
        SETTLEMENT,
        "            await handler(read(message))\n",
        '            await self._acknowledge(message, "early")\n            await handler(read(message))\n',
        "crashes",
    ),
    one(
        "what failed is acknowledged",
        SETTLEMENT,
        'await self._move(message, again, "tried_again")',
        'await self._acknowledge(message, "tried_again")',
        "database",
    ),
    one(
        "a request that comes twice is taken twice",
        "shared/messaging/inbox.py",
        "return set(result.scalars())",
        'return {str(row["message_id"]) for row in rows}',
    ),
    one(
        "the console believes the last it hears",
        "services/console/domain/posts.py",
        "standing = greater(one.standing, other.standing) or other.standing",
        "standing = other.standing",
        "broker",
    ),
    one(
        "a slot of the wheel holds messages of two turns",
        "shared/messaging/delay.py",
        "return int(release_at.timestamp()) % SLOTS",
        "return int(release_at.timestamp()) % 7",
        "calm",
    ),
    # what a safety net hides
    one(
        "what is committed is left for the outbox to be found",
        UNIT,
        "        yield unit\n    outbox.relay_soon(unit.emitted)",
        "        yield unit",
        "calm",
    ),
    one(
        "who joins a line wakes nobody",
        f"{LIMITS}/lines.py",
        "if line.look_at(self._opening.pace) < self._alarm.rings_at:",
        "if False:",
        "calm",
    ),
    one(
        "who joins a line fails while its loop is about to wake up",
        f"{LIMITS}/alarm.py",
        "if self._sleep is not None and not self._is_woken and not self._sleep.expired():",
        "if self._sleep is not None and not self._is_woken:",
        "slow",
    ),
    one(
        "the sweep goes by the first wait of an attempt",
        "services/scheduler/outcomes.py",
        "return _expected_later(schedule, facts)\n    advance",
        "return schedule\n    advance",
        "outage",
    ),
    one(
        "tokens are renewed by whoever wants them",
        "services/publisher/accounts/at_rest.py",
        "return _c.renewing_until.is_(None) if lease is None else _c.renewing_until == lease",
        "return true()",
        "accounts",
    ),
    one(
        "nobody is told of long waits",
        f"{SENDING}/long_waits.py",
        "await unit.emit(told)",
        "await unit.emit([])",
        "contested",
    ),
    one(
        "who is turned away is told of by nobody",
        f"{SENDING}/long_waits.py",
        "self._turned_away[_revision_of(delivered)] = Waiting(delivered)",
        "pass",
        "crowded",
    ),
    one(
        "the failures of an account are not counted",
        "services/publisher/limits/account_circuits.py",
        "circuit.failures, circuit.last_at, circuit.latest = circuit.failures + 1, now, message",
        "circuit.last_at = now",
        "unheard",
    ),
    one(
        "what others left behind is not found",
        "shared/messaging/outbox_rows.py",
        "if not await self._database.rows(self._any_left_behind, claim):",
        "if await self._database.rows(self._any_left_behind, claim):",
        "crashes",
    ),
    # what the console keeps beside its posts
    one(
        "a post is counted in the state that it had as well",
        "services/console/read_model/counting.py",
        "added.subtract(counters_of(old))",
        "pass",
        "small",
    ),
    one(
        "events are not written to the journal where posts change",
        "services/console/store.py",
        "await self.journal.write(connection, list(chain.from_iterable(one.journal for one in group)))",
        "await self.journal.write(connection, [] if changes else list(group[0].journal))",
        "small",
    ),
    one(
        "what a person asks for again ranks like what was before",
        "shared/events/progress.py",
        "tried = self.retries, self.attempts",
        "tried = 0, self.attempts",
        "retried",
    ),
    one(
        "a cancellation that finds nothing stops only what was put off",
        "services/scheduler/decider.py",
        "return is_known or self._is_stopped(key, origin, stopping)",
        "return is_known",
        "hasty",
    ),
)
