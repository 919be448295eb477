-- Documents that people consent to, and their versions. A version's text never changes; one version at most per language is active.
CREATE TABLE app.documents (
  tenant_id  uuid NOT NULL REFERENCES app.tenants (id),
  id         uuid NOT NULL,
  slug       text NOT NULL CHECK (char_length(slug) BETWEEN 1 AND 100),
  title      text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 255),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, slug)
);

CREATE TABLE app.document_versions (
  tenant_id    uuid NOT NULL,
  -- Random in all its bits (version 4): the text is public to whoever knows it.
  id           uuid NOT NULL UNIQUE,
  number       integer NOT NULL, -- counts the tenant's versions; the consent gate's id
  document_id  uuid NOT NULL,
  version      text NOT NULL CHECK (char_length(version) BETWEEN 1 AND 100),
  language     text NOT NULL CHECK (char_length(language) BETWEEN 2 AND 35), -- BCP 47, canonical
  content      bytea NOT NULL, -- the exact UTF-8 bytes
  text_sha256  bytea NOT NULL CHECK (octet_length(text_sha256) = 32),
  status       text NOT NULL CHECK (status IN ('draft', 'active', 'retired')),
  created_at   timestamptz NOT NULL,
  effective_at timestamptz, -- as given; the text is in force from its publication when it is not
  published_at timestamptz, -- when it became active
  retired_at   timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, document_id, language, version),
  FOREIGN KEY (tenant_id, document_id) REFERENCES app.documents (tenant_id, id),
  CHECK ((published_at IS NULL) = (status = 'draft')),
  CHECK ((retired_at IS NULL) = (status <> 'retired'))
);
CREATE UNIQUE INDEX document_versions_one_active ON app.document_versions (tenant_id, document_id, language)
  WHERE status = 'active';

-- A text and whatever names it stay as they are for ever, whoever writes the row.
CREATE FUNCTION app.refuse_document_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a document version never changes' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER document_versions_unchanged
  BEFORE UPDATE OF tenant_id, id, number, document_id, version, language, content, text_sha256, created_at, effective_at
  ON app.document_versions
  FOR EACH ROW EXECUTE FUNCTION app.refuse_document_change();

-- One row whose version changes in the transaction that makes another version of any document the active one: processes remember
-- versions under it, as they do keys under app.access_version (see migration 0002).
CREATE TABLE app.documents_state (
  single  boolean PRIMARY KEY DEFAULT true CHECK (single),
  version uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO app.documents_state DEFAULT VALUES;

CREATE FUNCTION app.change_documents_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE app.documents_state SET version = gen_random_uuid();
  RETURN NULL;
END
$$;
CREATE TRIGGER documents_changed
  AFTER UPDATE OR DELETE OR TRUNCATE ON app.document_versions
  FOR EACH STATEMENT EXECUTE FUNCTION app.change_documents_state();
CREATE TRIGGER documents_changed
  AFTER UPDATE OR DELETE OR TRUNCATE ON app.documents
  FOR EACH STATEMENT EXECUTE FUNCTION app.change_documents_state();
