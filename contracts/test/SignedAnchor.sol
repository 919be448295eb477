// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev The EIP-712 digest of a signed anchor, written out from the standard and from nothing of the contract's own code.
struct SignedAnchor {
    address publisher;
    bytes32 root;
    uint32 leafCount;
    uint256 nonce;
    uint256 deadline;
}

function digestOf(SignedAnchor memory signed, uint256 chainId, address registry) pure returns (bytes32) {
    bytes32 domain = keccak256(
        abi.encode(
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            keccak256("AnchorRegistry"),
            keccak256("1"),
            chainId,
            registry
        )
    );
    bytes32 content = keccak256(
        abi.encode(
            keccak256("Anchor(address publisher,bytes32 root,uint32 leafCount,uint256 nonce,uint256 deadline)"),
            signed
        )
    );
    return keccak256(abi.encodePacked(hex"1901", domain, content));
}
