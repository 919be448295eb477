-- How many bytes a tenant's media take is asked before each is kept.
CREATE INDEX verification_media_kept ON app.verification_media (tenant_id) INCLUDE (bytes)
  WHERE state IN ('storing', 'stored', 'deleting');
