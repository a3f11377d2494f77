#[allow(clippy::all, clippy::pedantic, missing_debug_implementations, non_camel_case_types, private_interfaces)]
#[allow(unreachable_pub, unused)]
const _: () = {
    pub struct __SubscriptionFields<__M: 'static, __P: ::fastness::__private::index::At> {
        pub plan: ::fastness::__private::index::Path<
            __M,
            String,
            ::fastness::__private::index::In<__P, Subscription, 0usize>,
        >,
        pub since: ::fastness::__private::index::Path<
            __M,
            ::fastness::__private::index::Converted<Timestamp>,
            ::fastness::__private::index::In<__P, Subscription, 1usize>,
        >,
    }
    impl<__M: 'static, __P: ::fastness::__private::index::At> ::fastness::__private::index::FieldSet
        for __SubscriptionFields<__M, __P>
    {
        const ALL: &'static Self = &__SubscriptionFields {
            plan: ::fastness::__private::index::Path::NEW,
            since: ::fastness::__private::index::Path::NEW,
        };
    }
    impl ::fastness::__private::index::Nested for Subscription {
        type Fields<__M: 'static, __P: ::fastness::__private::index::At> = __SubscriptionFields<__M, __P>;
    }
    impl ::fastness::__private::index::Segments for Subscription {
        const SEGMENTS: &'static [::fastness::__private::index::Segment] = {
            use ::fastness::__private::index::Unknown as _;
            &[
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::Some("plan"),
                    array: ::fastness::__private::index::Ask::<String>::ARRAY,
                    holds: ::fastness::__private::index::Ask::<String>::HOLDS,
                },
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::Some("since"),
                    array:
                        ::fastness::__private::index::Ask::<::fastness::__private::index::Converted<Timestamp>>::ARRAY,
                    holds:
                        ::fastness::__private::index::Ask::<::fastness::__private::index::Converted<Timestamp>>::HOLDS,
                },
            ]
        };
    }
};
