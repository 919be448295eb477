-- Chains that are added over HTTP (HA-17), beside the one that workers have from their settings.
ALTER TABLE app.chains
  ADD COLUMN id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  -- The block of the contract's deployment, or any before it; NULL where nobody could tell.
  ADD COLUMN start_block bigint CHECK (start_block >= 0),
  -- The publisher's, sealed (secrets/secretBox.ts); NULL when workers have it from their settings.
  ADD COLUMN private_key bytea;

-- What the indexer needs to know of chains, and no key.
CREATE VIEW app.indexed_chains AS
  SELECT chain_id, rpc_url, '0x' || encode(contract_address, 'hex') AS contract_address, start_block FROM app.chains;
