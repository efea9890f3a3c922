"""Small scenarios that together name every key of the format, each with a value that fits."""

from typing import Any

from drsim.format.numbers import plain
from drsim.format.source import parse

_TEXTS = r"""
scenario: The top
description: Some words.
tags: [one, 2]
clock: 2022-03-02T17:38:00Z
seed: 7
---
scenario: Account
account:
  apiVersion: 2020-09-30
  riskTolerance: averse
  authorizationTtl: 7d
  delays:
    {authorize: 0, capture: 2s, cancel: 1s, refund: 3s, complete: 1m30s,
    fulfillmentCancellation: 1s, fulfillmentReturn: 1h, invoice: 1h, creditMemo: 1d}
  rateLimit: 25/s
  captureRetries: [1h, 1d]
  signatureClock: simulated
  signatureOrder: oldest-first
  signatureUnit: milliseconds
  webhookRetries: [5m]
  fulfiller: {shipAfter: 1d, parcelsOf: 2, backorder: 3d}
  shipmentIds: required
  fulfillmentCancellations: wait
  fulfillmentReturns: reject
  webhookDisabling: {after: 3d, failures: 10}
  paymentExpiry: {konbini: 3d, wireTransfer: never}
  serverSources: all
  taxRates: {US-MN: 0.07525, DE: 0.19}
  checkAddresses: false
---
scenario: A fulfiller that waits for words
account: {fulfiller: manual}
---
scenario: Webhooks
given:
  webhooks:
    - {as: hooks, address: "http://localhost/hooks", types: [order.created, order.*], token: whk_mine, enabled: false}
    - {as: older, address: "http://localhost/older", apiVersion: 2021-02-23, expand: [order.accepted]}
    - {as: expanded, address: "http://localhost/more", apiVersion: default, expand: true}
    - {as: guarded, address: "http://localhost/a", transportType: HTTP, authentication: {username: u, password: p}}
    - {as: other, address: "http://localhost/b", authentication: {userName: u, password: p}}
    - as: tokens
      address: "http://localhost/c"
      transportType: OAUTH
      oauth:
        tokenEndPoint: http://localhost/token
        clientID: id
        clientSecret: secret
        userName: u
        password: p
        grantType: password
        audience: shops
---
scenario: Customers
given:
  customers:
    - as: sam
      id: sam-1
      email: a@example.com
      shipping: {name: Sam, address: {country: US}}
      organization: Acme
      taxCertificate:
        companyName: Acme
        taxAuthority: MN
        startDate: 2022-03-02T17:38:00Z
        endDate: 2032-03-02T17:38:00Z
        fileId: file
      metadata: {a: 1}
      locale: en_US
      type: business
      enabled: false
    - {id: 5823594806}
---
scenario: SKUs
given:
  skus:
    - as: widget
      id: widget-1
      name: Widget
      eccn: EAR99
      taxCode: 4323.310_A
      countryOfOrigin: US
      skuGroupId: computers
      partNumber: p
      manufacturerId: 20013
      managedFulfillment: DRGlobalFulfillment
      hsCode: 1006.20.4025
      description: A widget.
      image: http://localhost/image
      url: http://localhost/widget
      itemBreadcrumb: Things > Widgets
      weight: 8.88
      weightUnit: oz
      metadata: {a: b}
    - {name: Plain, eccn: EAR99, taxCode: 601410, countryOfOrigin: DE, weight: "2"}
---
scenario: Behavior
behavior:
  - when:
      operation: capture
      order: {$in: [a, 17]}
      charge: {$regex: "^c"}
      source: {type: googlePay, lastFourDigits: {$not: "4103"}}
      amount: {$gte: 100, $lt: "200.50"}
      attempt: 1
      upstreamId: {$exists: true}
    then:
      state: pending
      after: 30s
      next: {state: failed, failureCode: failed-request, failureMessage: Failed., after: 1m}
    times: 2
---
scenario: Faults
faults:
  - when: {call: POST /fulfillments}
    then: {status: 503, body: {a: [1]}, headers: {Retry-After: 5, X-A: b}, delay: 1s}
    times: 2
    every: 3
  - {when: {call: "* /orders/*"}, then: {drop: answer}}
  - when: {delivery: order.*, to: hooks}
    then: {delay: 1s, duplicate: 2, reorder: true, corruptSignature: true, truncate: true}
  - {when: {delivery: order.created}, then: {drop: true, reorder: true}}
---
scenario: An order
given:
  orders:
    - as: order
      state: accepted
      createdAgo: 8d
      id: "1234567890123"
      upstreamId: mine
      currency: USD
      locale: en_US
      email: a@example.com
      customerId: 5
      storeCredit: 1.50
      taxRate: 0.08025
      metadata: {a: text, b: 1, c: true}
      fulfillmentModel: third-party
      items:
        - as: widget
          id: 12
          skuId: sku
          name: Widget
          price: 10.50
          quantity: 3
          taxRate: "0.1"
          duties: 1
          importerTax: 2
          fees: 3
          physical: true
          fulfillmentModel: orchestrated
          metadata: {a: b}
---
scenario: Who buys, and what it costs beside its lines
given:
  orders:
    - shipTo:
        name: Sam
        phone: "1"
        email: a@example.com
        organization: Acme
        additionalAddressInfo: {neighborhood: x}
        address: {line1: Street 1, line2: b, city: Bonn, postalCode: 53111, state: NW, country: DE}
      billTo: {name: Sam}
      shipping: {amount: 5.00, taxRate: 0.1, description: Fast, serviceLevel: express}
      discount: {amountOff: 1}
      items: [{price: 10}]
    - shipping: 5
      discount: {percentOff: 20}
      items: [{price: "10.00"}]
---
scenario: How it is paid
given:
  orders:
    - source: {type: creditCard, number: "4000 0000 0000 4103", expirationMonth: 1, expirationYear: "2030", id: s}
      items: [{price: 10}]
    - source:
        brand: Visa
        lastFourDigits: "4103"
        owner:
          firstName: Sam
          lastName: Slow
          email: a@example.com
          organization: Acme
          upstreamId: me
          additionalAddressInfo: {}
          address: {country: US}
      items: [{price: 10}]
---
scenario: A copied order
given:
  orders:
    - as: copied
      resource:
        id: 1
        createdTime: 2022-03-02T17:38:00Z
        updatedTime: 2022-03-02T17:38:00Z
        customerId: "2"
        currency: USD
        email: a@example.com
        shipTo: {name: Sam}
        shipFrom: {}
        billTo: {}
        totalAmount: 30.5
        totalTax: 0
        totalDiscount: 0
        items:
          - id: "3"
            skuId: "4"
            productDetails: {}
            amount: 10.5
            quantity: 1
            state: created
            stateTransitions: {created: 2022-03-02T17:38:00Z}
            tax: {rate: 0.5, amount: 5}
            importerTax: {amount: 1, taxAmount: 1}
            duties: {amount: 1, taxAmount: 1}
            fees: {amount: 1, taxAmount: 1}
            shipping: {amount: 4.5, taxAmount: 4.5}
            metadata: {a: 1}
        shippingChoice: {amount: 9}
        discount: {}
        metadata: {}
        upstreamId: "5"
        applicationId: "6"
        browserIp: 127.0.0.1
        locale: en_US
        customerType: individual
        sellingEntity: {}
        chargeType: customer_initiated
        refundedAmount: 0
        capturedAmount: 0
        cancelledAmount: 0
        state: accepted
        stateTransitions: {accepted: 2022-03-02T17:38:00Z}
        fraudState: passed
        fraudStateTransitions: {passed: 2022-03-02T17:38:00Z}
        requestToBeForgotten: false
        checkoutId: "7"
        invoicePDFs: [{id: an-invoice, url: "http://127.0.0.1/files/an-invoice/content"}]
        creditMemoPDFs: [{id: a-credit-memo}]
---
scenario: A copied payment
given:
  orders:
    - resource:
        currency: USD
        items: [{id: 1, amount: 10, quantity: 1}]
        payment:
          charges:
            - id: a
              createdTime: 2022-03-02T17:38:00Z
              amount: 100
              state: capturable
              captures:
                - id: b
                  createdTime: 2022-03-02T17:38:00Z
                  amount: 1
                  state: failed
                  failureCode: c
                  failureMessage: d
                  fulfillmentId: e
              cancels: [{amount: "1.0", state: pending_information}]
              sourceId: f
              type: customer_initiated
              failureCode: g
              failureMessage: h
          sources:
            - {id: f, type: creditCard, amount: 10, owner: {}, upstreamId: u, details: 1, creditCard: {brand: Visa}}
          session:
            id: i
            state: complete
            clientSecret: j
            amountContributed: 10
            amountRemainingToBeContributed: 0
            nextAction: {}
---
scenario: Where copied orders are found
given:
  orders:
    - {from: order.json}
    - {resource: {data: {object: {currency: USD, items: [{id: 1, amount: 10, quantity: 1}]}}}}
    - {resource: {orderDetails: {currency: USD, items: [{id: 1, amount: 10, quantity: 1}]}}}
    - resource:
        currency: USD
        items: [{id: 1, amount: 10, quantity: 1}]
        charges: [{amount: 10}]
        sources: [{type: payPal}]
---
scenario: Calls
steps:
  - name: A call
    call: POST /fulfillments
    query: {limit: 1, state: [a, b]}
    headers: {Accept: application/json, X-Empty: "", X-Number: 1}
    body: {orderId: "1", items: [{quantity: 2.5}, null]}
    expect: {status: 201, headers: {content-type: {$regex: json}}, body: {a: [1, {$exists: false}]}, dropped: false}
    save: {fulfillment: ., first: "items[0].id"}
  - {name: Raw, call: PUT /x, raw: "{"}
---
scenario: Creating, and moving time
steps:
  - {name: An order, create: order, with: {items: [{price: 10}]}, save: {id: id}}
  - {name: On, advance: 7d}
---
scenario: Events
steps:
  - {name: It comes, event: order.created, match: {data: {$exists: true}}, within: 1h, count: 1, save: {event: .}}
  - {name: It does not, no_event: order.*, match: {}, within: 1h}
---
scenario: Deliveries
steps:
  - name: It was delivered
    delivery: order.created
    to: hooks
    expect:
      status: 200
      attempts: 1
      signature: valid
      headers: {content-type: {$contains: json}}
      body: {}
      state: delivered
      error: {$exists: false}
    within: 1h
    save: {sent: .}
  - {name: It answers, receiver: {status: 500, delay: 4s, drop: true, times: 2, to: hooks}}
---
scenario: Watching
steps:
  - name: It calls
    await_call: POST /fulfillments
    match: {body: {}, query: {a: "1"}, headers: {accept: {$contains: json}}, status: 201}
    within: 10s
    save: {sent: .}
  - {name: It does not, no_call: "* /orders/*", match: {status: 200}, within: 1s}
---
scenario: More behavior
steps:
  - {name: From here on, behave: [{when: {operation: refund}, then: {state: complete}}]}
  - {name: And more faults, fault: [{when: {call: GET /orders}, then: {drop: true}}]}
---
scenario: Every operator
steps:
  - event: order.created
    match:
      a: {$eq: 1, $ne: 2, $gt: 1, $gte: "a", $lt: 3, $lte: 3, $in: [1], $regex: a, $exists: true}
      b: {$type: string, $length: {$gt: 1}, $contains: {a: 1}, $all: [1], $not: {$in: []}}
"""

COPIED = '{"currency": "USD", "items": [{"id": 1, "amount": 10, "quantity": 1}]}'
"""What `order.json` holds."""

RICH: list[dict[str, Any]] = [plain(parse(text, "rich").values) for text in _TEXTS.split("---\n")]
