// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev The cheatcodes that the tests here use. Source: Foundry's `Vm` interface, which Hardhat's test runner implements.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function addr(uint256 privateKey) external pure returns (address);

    function assertEq(address left, address right) external pure;

    function assertEq(bool left, bool right) external pure;

    function assertEq(bytes32 left, bytes32 right) external pure;

    function assertEq(uint256 left, uint256 right) external pure;

    function assertTrue(bool condition) external pure;

    function assume(bool condition) external pure;

    function chainId(uint256 newChainId) external;

    function expectEmit(address emitter) external;

    function expectRevert(bytes calldata revertData) external;

    function getRecordedLogs() external returns (Log[] memory);

    function prank(address sender) external;

    function recordLogs() external;

    function roll(uint256 blockNumber) external;

    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);

    function warp(uint256 blockTimestamp) external;
}

abstract contract SolidityTest {
    // The address that the runner watches: the last 20 bytes of keccak256("hevm cheat code").
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
}
