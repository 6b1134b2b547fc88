"""The customer's database clients qualify leads by a function: it does what the API does.

PostgreSQL only. Signals of Python's cannot be sent from here: `crm_announcements` keeps what
there is to tell until crm.tasks.announce tells it. docs/adr/0012 says what both share.
"""

from django.db import migrations

# What Python's str.strip() takes off, so that both sides mean the same by a blank name.
BLANKS = r"\u0009\u000a\u000b\u000c\u000d\u001c\u001d\u001e\u001f\u0020\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
FUNCTION = r"""
CREATE FUNCTION qualify_lead(p_lead_id uuid, p_new_company_data jsonb, p_user_id uuid)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SECURITY INVOKER
SET search_path = pg_catalog, @schema@, pg_temp
AS $function$
DECLARE
    v_lead record;
    v_now timestamptz;
    v_given jsonb[];
    v_unknown text;
    v_name text;
    v_decision text;
    v_who text;
    v_what text;
    v_company_id uuid := gen_random_uuid();
    v_status_id uuid;
    v_owner_id uuid;
    v_moment text;
BEGIN
    -- The row's lock decides between two who qualify at once, here and in the API.
    SELECT * INTO v_lead FROM leads WHERE id = p_lead_id FOR NO KEY UPDATE;
    IF NOT FOUND OR (
        v_lead.deleted_at IS NOT NULL
        AND (v_lead.qualified_at IS NULL OR v_lead.merged_into_id IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'There is no lead %.', p_lead_id USING ERRCODE = 'no_data_found';
    END IF;

    IF jsonb_typeof(p_new_company_data) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'p_new_company_data: an object with the name of the company is needed.'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT min(key) FILTER (WHERE key NOT IN ('name', 'legal_name', 'title')),
           array_agg(DISTINCT value)
      INTO v_unknown, v_given FROM jsonb_each(p_new_company_data);
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION 'p_new_company_data: there is no field "%" here.', left(v_unknown, 100)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF cardinality(v_given) > 1 THEN
        RAISE EXCEPTION 'p_new_company_data: the name is given twice.'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_given IS NULL OR jsonb_typeof(v_given[1]) <> 'string' THEN
        RAISE EXCEPTION 'p_new_company_data: the name must be a text.'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_name := btrim(v_given[1] #>> '{}', E'@blanks@');
    IF v_name = '' OR char_length(v_name) > 500 THEN
        RAISE EXCEPTION 'p_new_company_data: the name has 1 to 500 characters.'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_user_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM users WHERE id = p_user_id AND is_active) THEN
        RAISE EXCEPTION 'There is no active user %.', p_user_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;

    v_decision := CASE WHEN v_lead.qualified_at IS NOT NULL THEN 'qualified_at'
                       WHEN v_lead.disqualified_at IS NOT NULL THEN 'disqualified_at' END;
    IF v_decision IS NOT NULL THEN
        SELECT CASE WHEN entry.user_id IS NULL THEN 'the system'
                    ELSE coalesce(nullif(person.name, ''), person.email, entry.user_id) END
          INTO v_who
          FROM audit_logs AS entry LEFT JOIN users AS person ON person.id::text = entry.user_id
         WHERE entry.entity_type = 'lead' AND entry.entity_id = p_lead_id::text
           AND EXISTS (SELECT FROM jsonb_array_elements(entry.changes) AS change
                        WHERE change ->> 'field' = v_decision AND change ->> 'new' IS NOT NULL)
         ORDER BY entry.created_at DESC, entry.id DESC LIMIT 1;
        IF v_decision = 'qualified_at' THEN
            SELECT string_agg(part, ' · ') INTO v_what FROM (
                SELECT name FROM companies WHERE id = v_lead.qualified_company_id
                UNION ALL
                SELECT client_name FROM master_deals WHERE id = v_lead.qualified_master_deal_id
            ) AS parts(part);
            RAISE EXCEPTION 'Already qualified by % at % to %.',
                coalesce(v_who, 'somebody'), v_lead.qualified_at, coalesce(v_what, '–')
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        RAISE EXCEPTION 'Disqualified by % at %: %', coalesce(v_who, 'somebody'),
            v_lead.disqualified_at, coalesce(v_lead.disqualification_reason, '–')
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    v_now := clock_timestamp();
    -- The API's spelling of a moment, which leaves out a fraction of zero.
    v_moment := replace(
        to_char(v_now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', ''
    ) || '+00:00';

    INSERT INTO companies (id, name, created_at, updated_at)
    VALUES (v_company_id, v_name, v_now, v_now);
    INSERT INTO audit_logs (action, entity_type, entity_id, user_id, changes, created_at)
    VALUES ('create', 'company', v_company_id, p_user_id, jsonb_build_array(
        jsonb_build_object('field', 'name', 'old', NULL, 'new', v_name)), v_now);

    INSERT INTO lead_statuses (id, code, label, created_at)
    VALUES (gen_random_uuid(), 'qualified', 'Qualificado', v_now) ON CONFLICT (code) DO NOTHING
    RETURNING id INTO v_status_id;
    IF v_status_id IS NOT NULL THEN
        INSERT INTO audit_logs (action, entity_type, entity_id, user_id, changes, created_at)
        VALUES ('create', 'lead_status', v_status_id, p_user_id, jsonb_build_array(
            jsonb_build_object('field', 'code', 'old', NULL, 'new', 'qualified'),
            jsonb_build_object('field', 'label', 'old', NULL, 'new', 'Qualificado')), v_now);
    ELSE
        SELECT id INTO v_status_id FROM lead_statuses WHERE code = 'qualified';
    END IF;

    -- A lead of nobody becomes the sales person's who writes it first.
    v_owner_id := v_lead.owner_user_id;
    IF v_owner_id IS NULL AND NOT EXISTS (
        SELECT FROM user_roles
         WHERE user_id = p_user_id::text AND role IN ('admin', 'manager')
    ) THEN
        v_owner_id := p_user_id;
    END IF;

    UPDATE leads
       SET lead_status_id = v_status_id,
           owner_user_id = v_owner_id,
           qualified_company_id = v_company_id,
           qualified_at = v_now,
           deleted_at = v_now,
           last_interaction_at = v_now,
           updated_at = v_now
     WHERE id = p_lead_id;
    UPDATE lead_activity_stats
       SET last_interaction_at = v_now, last_interaction_type = 'update', updated_at = v_now
     WHERE lead_id = p_lead_id;
    INSERT INTO audit_logs (action, entity_type, entity_id, user_id, changes, created_at)
    SELECT 'qualify_lead', 'lead', p_lead_id, p_user_id,
           jsonb_agg(jsonb_build_object('field', field, 'old', was, 'new', new) ORDER BY place),
           v_now
      FROM (VALUES
               (1, 'lead_status_id', v_lead.lead_status_id::text, v_status_id::text),
               (2, 'owner_user_id', v_lead.owner_user_id::text, v_owner_id::text),
               (3, 'qualified_company_id', v_lead.qualified_company_id::text, v_company_id::text),
               (4, 'qualified_at', NULL, v_moment),
               (5, 'deleted_at', NULL, v_moment)
           ) AS change(place, field, was, new)
     WHERE was IS DISTINCT FROM new;

    INSERT INTO crm_announcements (fact, entity_type, entity_id, user_id, created_at)
    VALUES ('created', 'company', v_company_id, p_user_id, v_now),
           ('qualified', 'lead', p_lead_id, p_user_id, v_now);

    RETURN jsonb_build_object(
        'lead_id', p_lead_id,
        'qualified_at', v_moment,
        'company', jsonb_build_object('id', v_company_id, 'name', v_name, 'is_new', TRUE),
        'deal', NULL,
        'contact_ids', (SELECT coalesce(jsonb_agg(contact_id ORDER BY contact_id), '[]')
                          FROM lead_contacts WHERE lead_id = p_lead_id),
        'tag_ids', (SELECT coalesce(jsonb_agg(tag_id ORDER BY tag_id), '[]')
                      FROM lead_tags WHERE lead_id = p_lead_id)
    );
END
$function$
"""


def forwards(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        schema = cursor.fetchone()[0]
    editor.execute(FUNCTION.replace("@schema@", schema).replace("@blanks@", BLANKS), params=None)


def backwards(apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP FUNCTION qualify_lead(uuid, jsonb, uuid)", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0003_manual_priority_merges_formula_announcements"),
        ("accounts", "0001_initial"),
        ("audit", "0001_initial"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
