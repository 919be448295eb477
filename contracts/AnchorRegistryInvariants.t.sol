// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AnchorRegistry} from "./AnchorRegistry.sol";
import {IAnchorRegistry} from "./IAnchorRegistry.sol";
import {SignedAnchor, digestOf} from "./test/SignedAnchor.sol";
import {SolidityTest, Vm} from "./test/Vm.sol";

/// @dev Calls the registry in every way, often with values that it has seen, and replays the events as an index would.
contract RegistryActor is SolidityTest {
    struct Seen {
        address publisher;
        bytes32 root;
        uint64 blockNumber;
        uint64 blockTimestamp;
        uint32 leafCount;
    }

    AnchorRegistry private immutable registry = new AnchorRegistry();
    Seen[] private seen;
    mapping(address publisher => bytes32) private replayed;

    modifier replay() {
        vm.recordLogs();
        _;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) _replay(logs[i]);
    }

    function anchor(uint8 who, uint8 which, uint8 leafCount) external replay {
        vm.prank(publisher(who));
        try registry.anchor(_root(which), leafCount % 3) {} catch {
            _forgetLogs();
        }
    }

    function anchorMany(uint8 who, uint8[] calldata which, uint8 leafCount) external replay {
        IAnchorRegistry.Batch[] memory batches = new IAnchorRegistry.Batch[](which.length);
        for (uint256 i = 0; i < which.length; ++i) {
            batches[i] = IAnchorRegistry.Batch(_root(which[i]), 1 + (leafCount % 2));
        }
        vm.prank(publisher(who));
        try registry.anchorMany(batches) {} catch {
            _forgetLogs();
        }
    }

    function anchorFor(uint8 who, uint8 signer, uint8 which, uint8 leafCount, uint8 lateBy) external replay {
        address named = publisher(who);
        uint256 deadline = block.timestamp + 5 - (lateBy % 6);
        SignedAnchor memory signed = SignedAnchor(
            named,
            _root(which),
            leafCount % 3,
            registry.nonces(named),
            deadline
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(signer), digestOf(signed, block.chainid, address(registry)));
        bytes memory signature = abi.encodePacked(r, s, v);
        try registry.anchorFor(named, signed.root, signed.leafCount, deadline, signature) {} catch {
            _forgetLogs();
        }
    }

    function pass(uint8 blocks) external {
        vm.roll(block.number + blocks);
        vm.warp(block.timestamp + uint256(blocks) * 12);
    }

    /// @dev The replay of all events gives the head on chain.
    function requireHeads() external view {
        for (uint8 who = 0; who < 3; ++who) {
            vm.assertEq(registry.head(publisher(who)), replayed[publisher(who)]);
        }
    }

    /// @dev Every anchor ever made still says what it said in the first place.
    function requireAnchors() external view {
        for (uint256 i = 0; i < seen.length; ++i) {
            Seen memory first = seen[i];
            (uint64 blockNumber, uint64 blockTimestamp, uint32 leafCount) = registry.anchorOf(
                first.publisher,
                first.root
            );
            vm.assertEq(blockNumber, first.blockNumber);
            vm.assertEq(blockTimestamp, first.blockTimestamp);
            vm.assertEq(leafCount, first.leafCount);
        }
    }

    function publisher(uint8 who) public pure returns (address) {
        return vm.addr(_key(who));
    }

    /// @dev What a reverted call emitted is recorded here and is not on chain.
    function _forgetLogs() private {
        vm.getRecordedLogs();
    }

    function _replay(Vm.Log memory log) private {
        vm.assertEq(log.emitter, address(registry));
        vm.assertEq(log.topics[0], IAnchorRegistry.Anchored.selector);
        address named = address(uint160(uint256(log.topics[1])));
        bytes32 root = log.topics[2];
        (uint32 leafCount, bytes32 head) = abi.decode(log.data, (uint32, bytes32));
        for (uint256 i = 0; i < seen.length; ++i) {
            vm.assertEq(seen[i].publisher == named && seen[i].root == root, false);
        }
        replayed[named] = keccak256(abi.encode(replayed[named], root, leafCount, block.timestamp));
        vm.assertEq(head, replayed[named]);
        seen.push(Seen(named, root, uint64(block.number), uint64(block.timestamp), leafCount));
    }

    function _key(uint8 who) private pure returns (uint256) {
        return 1 + (who % 3);
    }

    /// @dev Few roots, zero among them, so that repeats and mismatches are common.
    function _root(uint8 which) private pure returns (bytes32) {
        return which % 16 == 0 ? bytes32(0) : keccak256(abi.encode(which % 16));
    }
}

contract AnchorRegistryInvariants {
    RegistryActor private actor;

    function setUp() public {
        actor = new RegistryActor();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    function invariant_headEqualsTheReplayOfAllEvents() external view {
        actor.requireHeads();
    }

    function invariant_anAnchorNeverChanges() external view {
        actor.requireAnchors();
    }
}
