"""What a person looks for in a journal, as named SQL views: for any SQLite tool, without knowing the tables.

Times are as the journal holds them: UTC, ISO 8601. A view shows only what still has its content.
"""

from __future__ import annotations

_FLAG_COLUMNS = """
    json_extract(body, '$.flag.id') AS flag,
    json_extract(body, '$.flag.rule') AS rule,
    json_extract(body, '$.flag.kind') AS rule_kind,
    json_extract(body, '$.flag.pack') AS pack,
    json_extract(body, '$.flag.clauses') AS clauses,
    json_extract(body, '$.flag.title') AS title,
    json_extract(body, '$.flag.severity') AS severity,
    json_extract(body, '$.flag.basis') AS basis,
    json_extract(body, '$.flag.score') AS score,
    json_extract(body, '$.flag.reason') AS reason,
    json_extract(body, '$.flag.member') AS member,
    json_extract(body, '$.flag.post.network') AS network,
    json_extract(body, '$.flag.post.id') AS post,
    json_extract(body, '$.flag.version') AS version,
    json_extract(body, '$.flag.raised_at') AS raised_at,
    json_extract(body, '$.flag.quiet') AS quiet"""

VIEWS = {
    "everything": """
        SELECT seq, meeting, kind, recorded_at, body
        FROM entries LEFT JOIN contents USING (seq)""",
    "contents_erased": """
        SELECT seq, meeting, kind, recorded_at FROM everything WHERE body IS NULL ORDER BY seq""",
    "meetings_prepared": """
        SELECT seq, meeting, recorded_at,
            json_extract(body, '$.meeting.council.name') AS council,
            json_extract(body, '$.meeting.title') AS title,
            json_extract(body, '$.meeting.window.starts') AS starts,
            json_extract(body, '$.meeting.window.stops') AS stops,
            json_extract(body, '$.meeting.packs') AS packs,
            json_extract(body, '$.program') AS program,
            json_extract(body, '$.digest') AS meeting_file_digest
        FROM everything WHERE kind = 'meeting_prepared' ORDER BY seq""",
    "posts_deleted": """
        SELECT seq, meeting, recorded_at,
            json_extract(body, '$.key.network') AS network,
            json_extract(body, '$.key.id') AS post,
            json_extract(body, '$.observed_at') AS deleted_at
        FROM everything WHERE kind = 'post_removed' ORDER BY seq""",
    "posts_kept": """
        SELECT seq, meeting, recorded_at,
            json_extract(body, '$.post.network') AS network,
            json_extract(body, '$.post.id') AS post,
            json_extract(body, '$.post.version') AS version,
            json_extract(body, '$.post.author.handle') AS author,
            json_extract(body, '$.member') AS member,
            json_extract(body, '$.post.text') AS text,
            json_extract(body, '$.post.observed_at') AS observed_at,
            json_extract(body, '$.edited') AS edited
        FROM everything WHERE kind = 'post_captured' ORDER BY seq""",
    "flags_raised": f"""
        SELECT seq, meeting, recorded_at, {_FLAG_COLUMNS}
        FROM everything WHERE kind = 'flag_raised' ORDER BY seq""",  # noqa: S608  # our own text above, nobody's input
    "flags_cleared": """
        SELECT seq, meeting, recorded_at, json_extract(body, '$.flag') AS flag, json_extract(body, '$.why') AS why
        FROM everything WHERE kind = 'flag_cleared' ORDER BY seq""",
    "flags_standing": """
        SELECT raised.* FROM flags_raised AS raised JOIN (
            SELECT max(seq) AS seq FROM (
                SELECT seq, meeting, flag FROM flags_raised UNION ALL SELECT seq, meeting, flag FROM flags_cleared)
            GROUP BY meeting, flag) AS latest ON raised.seq = latest.seq
        ORDER BY raised.seq""",
    "decisions_made": """
        SELECT seq, meeting, recorded_at,
            json_extract(body, '$.decision.id') AS decision,
            json_extract(body, '$.decision.flag') AS flag,
            json_extract(body, '$.decision.kind') AS decision_kind,
            json_extract(body, '$.decision.at') AS decided_at,
            json_extract(body, '$.decision.by') AS decided_by,
            json_extract(body, '$.decision.reason') AS reason,
            json_extract(body, '$.decision.words') AS words,
            json_extract(body, '$.decision.undoes') AS undoes
        FROM everything WHERE kind = 'decided' ORDER BY seq""",
    "what_the_chair_was_told": """
        SELECT told.seq, told.meeting, told.decided_at AS told_at, told.decided_by AS told_by, told.flag,
            (SELECT title FROM flags_raised AS flags WHERE flags.meeting = told.meeting AND flags.flag = told.flag
                ORDER BY flags.seq DESC LIMIT 1) AS title,
            told.words,
            (SELECT json_extract(seen.body, '$.at') FROM everything AS seen
                WHERE seen.kind = 'chair_saw' AND seen.meeting = told.meeting AND seen.seq > told.seq
                AND json_extract(seen.body, '$.flag') = told.flag ORDER BY seen.seq LIMIT 1) AS seen_at
        FROM decisions_made AS told WHERE decision_kind = 'tell_chair' ORDER BY told.seq""",
    "marks_made": """
        SELECT seq, meeting, recorded_at,
            json_extract(body, '$.mark.id') AS mark,
            json_extract(body, '$.mark.kind') AS mark_kind,
            json_extract(body, '$.mark.at') AS took_effect_at,
            coalesce(json_extract(body, '$.mark.entered_at'), json_extract(body, '$.mark.at')) AS said_at,
            json_extract(body, '$.mark.item') AS item,
            json_extract(body, '$.mark.member') AS member,
            json_extract(body, '$.mark.note') AS note,
            json_extract(body, '$.mark.by') AS made_by,
            json_extract(body, '$.mark.supersedes') AS supersedes
        FROM everything WHERE kind = 'marked' ORDER BY seq""",
    "marks_in_force": """
        WITH RECURSIVE line (meeting, mark, first) AS (
            SELECT meeting, mark, coalesce(supersedes, mark) FROM marks_made AS made
            WHERE supersedes IS NULL OR NOT EXISTS (
                SELECT 1 FROM marks_made AS older WHERE older.meeting = made.meeting AND older.mark = made.supersedes)
            UNION
            SELECT made.meeting, made.mark, line.first FROM marks_made AS made
            JOIN line ON made.meeting = line.meeting AND made.supersedes = line.mark
        ),
        ranked AS (
            SELECT made.*, row_number() OVER (
                PARTITION BY made.meeting, line.first ORDER BY julianday(said_at) DESC, made.mark DESC) AS place
            FROM marks_made AS made JOIN line ON made.meeting = line.meeting AND made.mark = line.mark
            WHERE NOT EXISTS (SELECT 1 FROM marks_made AS newer
                WHERE newer.meeting = made.meeting AND newer.supersedes = made.mark)
        )
        SELECT meeting, took_effect_at, mark_kind, item, member, note, made_by, said_at, mark
        FROM ranked WHERE place = 1 AND mark_kind <> 'withdrawn'
        ORDER BY meeting, julianday(took_effect_at), julianday(said_at), mark""",
    "sources_followed": """
        SELECT meeting, recorded_at,
            json_extract(body, '$.state.name') AS source,
            json_extract(body, '$.state.condition') AS condition,
            json_extract(body, '$.state.since') AS since,
            json_extract(body, '$.state.last_post') AS last_post,
            json_extract(body, '$.state.last_sign') AS last_sign,
            json_extract(body, '$.state.why') AS why
        FROM everything WHERE seq IN (SELECT max(seq) FROM everything WHERE kind = 'source_reported'
            GROUP BY meeting, json_extract(body, '$.state.name')) ORDER BY seq""",
    "gaps": """
        SELECT meeting,
            json_extract(body, '$.gap.source') AS source,
            json_extract(body, '$.gap.start') AS from_when,
            json_extract(body, '$.gap.end') AS to_when,
            json_extract(body, '$.gap.filled') AS filled,
            json_extract(body, '$.gap.why') AS why
        FROM everything WHERE seq IN (SELECT max(seq) FROM everything WHERE kind = 'gap_recorded'
            GROUP BY meeting, json_extract(body, '$.gap.source'), json_extract(body, '$.gap.start')) ORDER BY seq""",
}
"""Each view's name and its SELECT, in the order they are made: later ones read earlier ones."""
