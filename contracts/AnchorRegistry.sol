// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IAnchorRegistry} from "./IAnchorRegistry.sol";

/// @title Append-only record of Merkle roots, kept per publisher.
contract AnchorRegistry is IAnchorRegistry, EIP712, Nonces {
    /// @dev One storage slot. `leafCount` is never zero in a stored entry, so zero means "not anchored".
    struct Entry {
        uint64 blockNumber;
        uint64 blockTimestamp;
        uint32 leafCount;
    }

    bytes32 private constant ANCHOR_TYPEHASH =
        keccak256("Anchor(address publisher,bytes32 root,uint32 leafCount,uint256 nonce,uint256 deadline)");

    mapping(address publisher => mapping(bytes32 root => Entry)) private _entries;
    mapping(address publisher => bytes32) private _heads;

    constructor() EIP712("AnchorRegistry", "1") {}

    /// @inheritdoc IAnchorRegistry
    function anchor(bytes32 root, uint32 leafCount) external returns (bytes32) {
        return _anchor(msg.sender, root, leafCount);
    }

    /// @inheritdoc IAnchorRegistry
    function anchorMany(Batch[] calldata batches) external returns (bytes32) {
        bytes32 previous = _heads[msg.sender];
        bytes32 current = previous;
        for (uint256 i = 0; i < batches.length; ++i) {
            bytes32 root = batches[i].root;
            uint32 leafCount = batches[i].leafCount;
            Entry storage entry = _entries[msg.sender][root];
            if (!_isRepeat(entry, root, leafCount)) current = _append(entry, msg.sender, current, root, leafCount);
        }
        if (current != previous) _heads[msg.sender] = current;
        return current;
    }

    /// @inheritdoc IAnchorRegistry
    function anchorFor(
        address publisher,
        bytes32 root,
        uint32 leafCount,
        uint256 deadline,
        bytes calldata signature
    ) external returns (bytes32) {
        // A repeat comes before the signature: it changes nothing, so it needs no permission and uses up no nonce.
        if (_isRepeat(_entries[publisher][root], root, leafCount)) return _heads[publisher];
        if (block.timestamp > deadline) revert DeadlineExpired(deadline, block.timestamp);
        uint256 nonce = _useNonce(publisher);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(ANCHOR_TYPEHASH, publisher, root, leafCount, nonce, deadline))
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(publisher, digest, signature)) {
            revert InvalidAnchorSignature(publisher, root, leafCount, nonce, deadline);
        }
        return _anchor(publisher, root, leafCount);
    }

    /// @inheritdoc IAnchorRegistry
    function anchorOf(
        address publisher,
        bytes32 root
    ) external view returns (uint64 blockNumber, uint64 blockTimestamp, uint32 leafCount) {
        Entry storage entry = _entries[publisher][root];
        return (entry.blockNumber, entry.blockTimestamp, entry.leafCount);
    }

    /// @inheritdoc IAnchorRegistry
    function head(address publisher) external view returns (bytes32) {
        return _heads[publisher];
    }

    /// @inheritdoc IAnchorRegistry
    function verify(
        address publisher,
        bytes32 root,
        bytes32 leaf,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return _entries[publisher][root].leafCount != 0 && MerkleProof.verifyCalldata(proof, root, leaf);
    }

    /// @inheritdoc IAnchorRegistry
    function nonces(address publisher) public view override(IAnchorRegistry, Nonces) returns (uint256) {
        return super.nonces(publisher);
    }

    function _anchor(address publisher, bytes32 root, uint32 leafCount) private returns (bytes32) {
        Entry storage entry = _entries[publisher][root];
        bytes32 previous = _heads[publisher];
        if (_isRepeat(entry, root, leafCount)) return previous;
        return _heads[publisher] = _append(entry, publisher, previous, root, leafCount);
    }

    /// @dev True for an exact repeat, false for a root that is new to the publisher, an error for anything else.
    function _isRepeat(Entry storage entry, bytes32 root, uint32 leafCount) private view returns (bool) {
        if (root == 0) revert ZeroRoot(leafCount);
        if (leafCount == 0) revert ZeroLeafCount(root);
        uint32 anchored = entry.leafCount;
        if (anchored == 0) return false;
        if (anchored != leafCount) revert AnchorMismatch(root, anchored, leafCount);
        return true;
    }

    /// @dev Stores a new entry and returns the head it leads to; the caller stores the head.
    function _append(
        Entry storage entry,
        address publisher,
        bytes32 previous,
        bytes32 root,
        uint32 leafCount
    ) private returns (bytes32 next) {
        (entry.blockNumber, entry.blockTimestamp, entry.leafCount) = (
            uint64(block.number),
            uint64(block.timestamp),
            leafCount
        );
        next = keccak256(abi.encode(previous, root, leafCount, block.timestamp));
        emit Anchored(publisher, root, leafCount, next);
    }
}
