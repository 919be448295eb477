// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @dev A wallet as multisigs are, reduced to what a publisher needs: it approves digests, whatever the signature says.
contract ContractWallet is IERC1271 {
    mapping(bytes32 digest => bool) private _approved;

    function setApproval(bytes32 digest, bool approved) external {
        _approved[digest] = approved;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return _approved[digest] ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
