// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Append-only record of Merkle roots, kept per publisher.
/// @notice Immutable and permissionless: no owner, no roles, no proxy, no pause. An anchor, once made, can neither be changed
/// nor deleted. Entries are keyed by publisher, so nobody can block or front-run another publisher's root.
interface IAnchorRegistry {
    /// @param root Merkle root of the batch, or the leaf itself when the batch has one leaf.
    /// @param leafCount Number of leaves under `root`, at least 1.
    struct Batch {
        bytes32 root;
        uint32 leafCount;
    }

    /// @notice Emitted once per anchor, after it is stored. An exact repeat emits nothing.
    /// @param publisher The address in whose name the root is anchored.
    /// @param root The anchored Merkle root.
    /// @param leafCount Leaves under `root`; a strict verifier derives the path length from it.
    /// @param head The publisher's head after this anchor:
    /// `keccak256(abi.encode(previousHead, root, leafCount, block.timestamp))`, starting from zero.
    event Anchored(address indexed publisher, bytes32 indexed root, uint32 leafCount, bytes32 head);

    /// @notice A root of zero was offered.
    /// @param leafCount The leafCount offered with it.
    error ZeroRoot(uint32 leafCount);

    /// @notice A leafCount of zero was offered.
    /// @param root The root offered with it.
    error ZeroLeafCount(bytes32 root);

    /// @notice The root is anchored with another leafCount; an exact repeat would have succeeded.
    error AnchorMismatch(bytes32 root, uint32 anchoredLeafCount, uint32 leafCount);

    /// @notice The signed permission ended before this block.
    /// @param deadline Last second, in Unix time, at which the signature was good.
    /// @param blockTimestamp Unix time of this block.
    error DeadlineExpired(uint256 deadline, uint256 blockTimestamp);

    /// @notice The publisher did not sign this (root, leafCount, nonce, deadline) for this chain and this contract.
    /// @param nonce The nonce that the signature had to be made over: the publisher's `nonces` at the time of the call.
    error InvalidAnchorSignature(address publisher, bytes32 root, uint32 leafCount, uint256 nonce, uint256 deadline);

    /// @notice Anchors a root in the caller's name.
    /// @dev An exact repeat of an anchored (root, leafCount) succeeds, changes nothing and emits nothing.
    /// @return head The caller's head after the call; after a repeat, the head as it stands.
    function anchor(bytes32 root, uint32 leafCount) external returns (bytes32 head);

    /// @notice Anchors several roots in the caller's name, in the order given: all of them or, on any error, none.
    /// @dev Repeats, also within the call, are passed over. An empty list changes nothing.
    /// @return head The caller's head after the call.
    function anchorMany(Batch[] calldata batches) external returns (bytes32 head);

    /// @notice Anchors a root in the name of a publisher who signed for it, so that the publisher's key and the account that
    /// pays for gas can differ.
    /// @dev The signature is over EIP-712 typed data of this contract's domain (`AnchorRegistry`, version `1`):
    /// `Anchor(address publisher,bytes32 root,uint32 leafCount,uint256 nonce,uint256 deadline)`, where `nonce` is
    /// `nonces(publisher)`. An account with code is asked through ERC-1271, any other signs with its key.
    /// An exact repeat succeeds without a look at deadline and signature and leaves the nonce as it is: a relayer that sends
    /// twice, or that somebody else overtakes with the same signature, finds its work done instead of an error.
    /// @param deadline Last second, in Unix time, at which the signature is good.
    /// @return head The publisher's head after the call; after a repeat, the head as it stands.
    function anchorFor(
        address publisher,
        bytes32 root,
        uint32 leafCount,
        uint256 deadline,
        bytes calldata signature
    ) external returns (bytes32 head);

    /// @notice What is anchored under (publisher, root); all zero when nothing is.
    /// @return blockNumber The chain's `block.number` at the anchor. On Arbitrum that is the number of the L1 block; the log's
    /// own block number is the one to index by.
    /// @return blockTimestamp Unix time of the block, in seconds.
    /// @return leafCount Leaves under `root`.
    function anchorOf(
        address publisher,
        bytes32 root
    ) external view returns (uint64 blockNumber, uint64 blockTimestamp, uint32 leafCount);

    /// @notice The hash chain over all of a publisher's anchors, in order; zero before the first.
    /// @dev Whoever replays the publisher's `Anchored` events and gets this value holds every one of them.
    function head(address publisher) external view returns (bytes32);

    /// @notice The nonce that the publisher's next signature for `anchorFor` has to carry.
    function nonces(address publisher) external view returns (uint256);

    /// @notice Whether `proof` leads from `leaf` to a root that the publisher anchored.
    /// @dev Leaves are raw content hashes, so an inner node of the tree passes as a leaf here. Where that matters, recompute
    /// the exact path length from `leafCount` and the leaf's index, and refuse a proof of any other length.
    /// @param proof Sibling hashes from the leaf up; pairs are sorted before they are hashed with keccak256.
    function verify(
        address publisher,
        bytes32 root,
        bytes32 leaf,
        bytes32[] calldata proof
    ) external view returns (bool);
}
